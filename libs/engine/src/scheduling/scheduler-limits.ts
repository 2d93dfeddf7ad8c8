export interface SchedulerLimits {
  readonly contextLength: number;
  readonly pageTokens: number;
  /** Tokens of one forward: decoding sequences first, then chunks of prompts. */
  readonly batchTokens: number;
  readonly maxRunning: number;
  readonly maxQueued: number;
  readonly eosTokenIds: readonly number[];
}
