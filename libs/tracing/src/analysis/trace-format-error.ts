/** A text that holds no trace in the format that it should have. */
export class TraceFormatError extends Error {
  override readonly name = 'TraceFormatError';
}
