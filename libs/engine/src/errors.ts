/** What an engine refuses or fails with; codes cross the wire unchanged. */
export const EngineErrorCode = {
  QUEUE_FULL: 'queue_full',
  PROMPT_TOO_LONG: 'prompt_too_long',
  KV_FORMAT_MISMATCH: 'kv_format_mismatch',
  OUT_OF_MEMORY: 'out_of_memory',
  ABORTED: 'aborted',
  BAD_REQUEST: 'bad_message',
  ENGINE_ERROR: 'engine_error',
} as const;
export type EngineErrorCode = (typeof EngineErrorCode)[keyof typeof EngineErrorCode];

export class EngineError extends Error {
  override readonly name = 'EngineError';

  constructor(
    readonly code: EngineErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
