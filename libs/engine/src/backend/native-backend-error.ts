/** Why a native backend cannot be used. */
export const NativeBackendErrorCode = {
  NOT_INSTALLED: 'not_installed',
  LOAD_FAILED: 'load_failed',
} as const;
export type NativeBackendErrorCode = (typeof NativeBackendErrorCode)[keyof typeof NativeBackendErrorCode];

/** The message says what to do. */
export class NativeBackendError extends Error {
  override readonly name = 'NativeBackendError';

  constructor(
    readonly code: NativeBackendErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
