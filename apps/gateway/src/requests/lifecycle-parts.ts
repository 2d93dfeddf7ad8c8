import type { RequestId } from '@sliceway/protocol';
import type { CompletionSink } from '../openai/completion-sink.js';
import type { Router } from '../routing/router.js';
import type { Ticket } from './admission.js';
import type { ClusterPort } from './cluster-port.js';
import type { GenerationRequest } from './generation-request.js';
import type { RequestObserver } from './request-observer.js';

export interface RequestLimits {
  /** From admission to the last byte, whatever the attempts. */
  readonly timeoutMs: number;
  /** Between two tokens. */
  readonly stallTimeoutMs: number;
}

/** What one accepted request has to do with. */
export interface LifecycleParts {
  readonly rid: RequestId;
  /** 16 hex characters; a second attempt has one of its own. */
  readonly room: string;
  readonly request: GenerationRequest;
  readonly sink: CompletionSink;
  readonly observer: RequestObserver;
  readonly ticket: Ticket;
  readonly cluster: ClusterPort;
  readonly router: Router;
  readonly limits: RequestLimits;
}
