/** Why a cluster did not come up. */
export const StartErrorCode = {
  /** A process ended before it was ready. */
  EXITED: 'exited',
  /** A process, or the whole, was not ready in time. */
  NOT_READY: 'not_ready',
  ABORTED: 'aborted',
} as const;
export type StartErrorCode = (typeof StartErrorCode)[keyof typeof StartErrorCode];

/** The message holds what the process said last and where its log is. */
export class StartError extends Error {
  override readonly name = 'StartError';

  constructor(
    readonly code: StartErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
