import type { RequestId } from '../ids.js';
import { AbortReason } from './codes.js';
import { nullable, object, oneOf, requestId, u8 } from './parser.js';

/** gateway to worker: give up this attempt and all older ones, and free what they hold. */
export interface Abort {
  readonly rid: RequestId;
  /** null: all choices. */
  readonly choice: number | null;
  readonly attempt: number;
  readonly reason: AbortReason;
}

const abort = object<Abort>({
  rid: requestId,
  choice: nullable(u8),
  attempt: u8,
  reason: oneOf(Object.values(AbortReason)),
});

/** Throws ProtocolError. */
export function parseAbort(value: unknown): Abort {
  return abort(value, 'Abort');
}
