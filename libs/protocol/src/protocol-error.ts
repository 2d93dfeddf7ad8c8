/** A message or frame that does not have the shape this build reads. It is counted and dropped, never half used. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  /** The same string as `FailureCode.badMessage`: it crosses the wire. */
  readonly code = 'bad_message';

  constructor(
    /** Path of the field that is wrong, such as `PrefillLeg.sampling.topP`. */
    readonly field: string,
    /** What was expected and what was found; never a text that a user wrote. */
    readonly problem: string,
  ) {
    super(`${field}: ${problem}`);
  }
}
