/** Why a choice has ended; a u8 in frames. */
export const FinishReason = {
  /** It goes on. */
  none: 0,
  /** End-of-sequence token, stop token or stop string. */
  stop: 1,
  /** `maxNewTokens` or the context is used up. */
  length: 2,
  abort: 3,
  error: 4,
} as const;
export type FinishReason = (typeof FinishReason)[keyof typeof FinishReason];

/** Why an attempt failed. Stable: gateways decide by it whether to try again. */
export const FailureCode = {
  queueFull: 'queue_full',
  promptTooLong: 'prompt_too_long',
  kvFormatMismatch: 'kv_format_mismatch',
  kvCorrupt: 'kv_corrupt',
  kvTimeout: 'kv_timeout',
  bootstrapTimeout: 'bootstrap_timeout',
  frameLost: 'frame_lost',
  tokenLost: 'token_lost',
  deadline: 'deadline',
  engineError: 'engine_error',
  draining: 'draining',
  workerLost: 'worker_lost',
  badMessage: 'bad_message',
} as const;
export type FailureCode = (typeof FailureCode)[keyof typeof FailureCode];

/** Why a gateway gives an attempt up. */
export const AbortReason = {
  clientDisconnected: 'client_disconnected',
  /** The client reads more slowly than the bounded buffer allows. */
  slowClient: 'slow_client',
  /** The tokenizer found a stop string: decode need not go on. */
  stopMatched: 'stop_matched',
  deadline: 'deadline',
  /** Another service failed the attempt; this one frees what it holds. */
  attemptFailed: 'attempt_failed',
  /** A newer attempt takes its place. */
  superseded: 'superseded',
  shuttingDown: 'shutting_down',
} as const;
export type AbortReason = (typeof AbortReason)[keyof typeof AbortReason];

/** Where a service is in its life; only `ready` ones are given work. */
export const WorkerState = {
  starting: 'starting',
  ready: 'ready',
  draining: 'draining',
  stopped: 'stopped',
} as const;
export type WorkerState = (typeof WorkerState)[keyof typeof WorkerState];
