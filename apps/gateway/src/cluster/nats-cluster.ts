import {
  FailureCode,
  parseEncodeReply,
  ProtocolError,
  subjects,
  type Abort,
  type DecodeLeg,
  type EncodeReply,
  type EncodeRequest,
  type PrefillLeg,
  type WorkerId,
  type WorkerRole,
} from '@sliceway/protocol';
import { identity, type MessageClient } from '@sliceway/service';
import { requestTrace, type RequestTrace } from '@sliceway/tracing';
import type { ClusterPort } from '../requests/cluster-port.js';
import { workerFailure } from '../requests/failure-errors.js';
import type { BrokerListener } from './broker-watch.js';

/** nats-server answers at once unless it is gone, which may take a while to show. */
const FLUSH_TIMEOUT_MS = 5000;
/** By then workers that saw nats-server come back listen again. */
const RESEND_MS = 1000;
/** Aborts kept while nats-server is away; workers free by a timeout of their own what is not aborted. */
const MAX_UNSENT = 10_000;

/** The workers, over NATS. */
export class NatsCluster implements ClusterPort, BrokerListener {
  readonly gateway = identity.instance;
  readonly #messages: MessageClient;
  readonly #encodeTimeoutMs: number;
  readonly #unsent: (() => void)[] = [];
  #isOnline = true;
  #resend: NodeJS.Timeout | undefined;
  #flush: Promise<void> | null = null;

  constructor(messages: MessageClient, encodeTimeoutMs: number) {
    this.#messages = messages;
    this.#encodeTimeoutMs = encodeTimeoutMs;
  }

  /** @throws ApiError 502 */
  async encode(
    tokenizer: WorkerId,
    request: EncodeRequest,
    trace: RequestTrace,
    signal: AbortSignal,
  ): Promise<EncodeReply> {
    try {
      const options = { timeoutMs: this.#encodeTimeoutMs, trace, signal };
      const reply = await this.#messages.request(subjects.encode(tokenizer), request, options);
      return parseEncodeReply(reply);
    } catch (error) {
      if (error instanceof ProtocolError) throw workerFailure(FailureCode.badMessage, error.message);
      throw workerFailure(FailureCode.workerLost, `tokenizer ${tokenizer} did not answer`, error);
    }
  }

  prefill(prefill: WorkerId, leg: PrefillLeg, trace: RequestTrace): void {
    this.#messages.emit(subjects.leg('prefill', prefill), leg, trace);
  }

  decode(decode: WorkerId, leg: DecodeLeg, trace: RequestTrace): void {
    this.#messages.emit(subjects.leg('decode', decode), leg, trace);
  }

  abort(role: WorkerRole, instance: WorkerId, abort: Abort): void {
    const send = (): void => this.#messages.notify(subjects.abort(role, instance), abort, requestTrace(abort.rid));
    if (this.#isOnline) send();
    else if (this.#unsent.length < MAX_UNSENT) this.#unsent.push(send);
  }

  /** Requests of one turn of the event loop share a round trip. */
  flushed(): Promise<void> {
    this.#flush ??= new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        this.#flush = null;
        const timer = setTimeout(() => reject(new Error('nats-server does not answer')), FLUSH_TIMEOUT_MS);
        this.#messages
          .flush()
          .then(resolve, reject)
          .finally(() => clearTimeout(timer));
      });
    });
    return this.#flush;
  }

  onBrokerLost(): void {
    clearTimeout(this.#resend);
    this.#isOnline = false;
  }

  onBrokerBack(): void {
    this.#resend = setTimeout(() => {
      this.#isOnline = true;
      for (const send of this.#unsent.splice(0)) send();
    }, RESEND_MS);
  }
}
