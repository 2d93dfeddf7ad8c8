import { subjects, type Failed, type FailureCode, type WorkerId, type WorkerRole } from '@sliceway/protocol';
import { requestTrace } from '@sliceway/tracing';
import { identity } from './identity.config.js';
import { requestLogger, type Logger } from './logging/logger.js';
import type { MessageClient } from './nats/message-client.js';

/** The attempt that failed, and whose it is. */
export interface FailedAttempt {
  readonly gateway: WorkerId;
  readonly rid: string;
  readonly choice: number | null;
  readonly attempt: number;
}

/** Tells a request's gateway that an attempt cannot go on here. */
export class FailureReporter {
  /** Since the start, by code. */
  readonly counts = new Map<FailureCode, number>();

  constructor(
    private readonly role: WorkerRole,
    private readonly messages: MessageClient,
    private readonly logger: Logger,
  ) {}

  report({ gateway, rid, choice, attempt }: FailedAttempt, code: FailureCode, message: string): void {
    const failed: Failed = {
      rid,
      choice,
      attempt,
      code,
      message,
      from: { role: this.role, instance: identity.instance },
    };
    this.counts.set(code, (this.counts.get(code) ?? 0) + 1);
    const trace = requestTrace(rid);
    requestLogger(this.logger, rid, trace).warn({ choice, attempt, code, reason: message }, 'attempt failed');
    this.messages.notify(subjects.failed(gateway), failed, trace);
  }
}
