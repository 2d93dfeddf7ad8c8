import { FailureCode, Role, type Failed, type WorkerId } from '@sliceway/protocol';
import type { RouteLimits } from '../routing/route-limits.js';
import type { Attempt } from './attempt.js';

/** A failed attempt is made up for once: what fails twice is hardly the workers' fault. */
const MAX_ATTEMPTS = 2;

/** Failures of workers or of what lies between them; all others would only happen again. */
const RETRIED: ReadonlySet<string | null> = new Set([
  FailureCode.workerLost,
  FailureCode.bootstrapTimeout,
  FailureCode.kvTimeout,
  FailureCode.kvCorrupt,
  FailureCode.kvFormatMismatch,
  FailureCode.frameLost,
  FailureCode.tokenLost,
  FailureCode.engineError,
  FailureCode.draining,
  FailureCode.queueFull,
]);

/** Failures that the worker which tells of them has by itself; in a transfer it may have been either end. */
const OWN: ReadonlySet<FailureCode> = new Set([FailureCode.engineError, FailureCode.draining, FailureCode.queueFull]);

/** Whether another pair may do better. @param code of the error */
export function isRetryable({ number }: Attempt, code: string | null): boolean {
  return RETRIED.has(code) && number + 1 < MAX_ATTEMPTS;
}

/** The worker that is at fault; null where that is not known. */
export function culpritOf(attempt: Attempt, { code, from }: Failed): WorkerId | null {
  if (OWN.has(code)) return from.instance;
  if (code !== FailureCode.workerLost) return null;
  // Told by the partner that has survived.
  if (from.role === Role.prefill) return attempt.instance(Role.decode);
  return from.role === Role.decode ? attempt.instance(Role.prefill) : null;
}

/** Whom a new attempt does without: the culprit altogether, the others of the pair if there is somebody else. */
export function suspectsOf(attempt: Attempt, code: string | null, culprit: WorkerId | null): RouteLimits {
  return {
    excluded: new Set(culprit === null ? [] : [culprit]),
    avoided: new Set(attempt.parties.map(({ instance }) => instance)),
    needsRoom: code === FailureCode.queueFull,
  };
}
