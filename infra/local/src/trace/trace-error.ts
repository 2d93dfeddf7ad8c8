/** There is no trace to show; the message says why. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
}
