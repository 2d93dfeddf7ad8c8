import type { RequestId, WorkerId } from '../ids.js';
import type { WorkerRole } from '../roles.js';
import { WORKER_ROLES } from '../roles.js';
import { FailureCode } from './codes.js';
import { nullable, object, oneOf, requestId, string, u8, workerId } from './parser.js';

/** worker to gateway: this attempt cannot go on here. */
export interface Failed {
  readonly rid: RequestId;
  /** null: all choices. */
  readonly choice: number | null;
  readonly attempt: number;
  readonly code: FailureCode;
  /** For a person; free of prompt and completion text. */
  readonly message: string;
  readonly from: { readonly role: WorkerRole; readonly instance: WorkerId };
}

const failed = object<Failed>({
  rid: requestId,
  choice: nullable(u8),
  attempt: u8,
  code: oneOf(Object.values(FailureCode)),
  message: string,
  from: object<Failed['from']>({ role: oneOf(WORKER_ROLES), instance: workerId }),
});

/** Throws ProtocolError. */
export function parseFailed(value: unknown): Failed {
  return failed(value, 'Failed');
}
