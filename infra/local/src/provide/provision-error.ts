/** What could not be provided. */
export const ProvisionErrorCode = {
  NO_NATS_SERVER: 'no_nats_server',
  NO_MODEL: 'no_model',
  /** `SLICEWAY_MODEL` or `NATS_SERVER` names something that cannot be used. */
  BAD_SETTING: 'bad_setting',
  NO_PYTHON: 'no_python',
  PIP_FAILED: 'pip_failed',
  BAD_WHEEL: 'bad_wheel',
  NO_COMPILER: 'no_compiler',
  /** A native backend could not be installed, or does not work once it is. */
  NATIVE_FAILED: 'native_failed',
} as const;
export type ProvisionErrorCode = (typeof ProvisionErrorCode)[keyof typeof ProvisionErrorCode];

/** This machine lacks something; the message lists the ways to get it. */
export class ProvisionError extends Error {
  override readonly name = 'ProvisionError';

  constructor(
    readonly code: ProvisionErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
