import { EncodeError, EncodeErrorCode } from '../encoding/encode-error.js';

/** Characters of a request's stop strings together: each costs a state of the matcher, and each choice has a matcher. */
const MAX_STOP_CHARS = 1024;

/** @throws EncodeError bad_stop */
export function checkStopStrings(stop: readonly string[]): void {
  if (stop.includes('')) throw new EncodeError(EncodeErrorCode.badStop, 'a stop string is empty');
  const chars = stop.reduce((sum, { length }) => sum + length, 0);
  if (chars <= MAX_STOP_CHARS) return;
  const message = `the stop strings have ${chars} characters together; at most ${MAX_STOP_CHARS} are taken`;
  throw new EncodeError(EncodeErrorCode.badStop, message);
}
