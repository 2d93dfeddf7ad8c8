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
import type { RequestTrace } from '@sliceway/tracing';
import type { ClusterPort } from '../requests/cluster-port.js';
import { workerFailure } from '../requests/failure-errors.js';

/** The workers, over NATS. */
export class NatsCluster implements ClusterPort {
  readonly gateway = identity.instance;
  readonly #messages: MessageClient;
  readonly #encodeTimeoutMs: number;

  constructor(messages: MessageClient, encodeTimeoutMs: number) {
    this.#messages = messages;
    this.#encodeTimeoutMs = encodeTimeoutMs;
  }

  /** @throws ApiError 502 */
  async encode(tokenizer: WorkerId, request: EncodeRequest, trace: RequestTrace): Promise<EncodeReply> {
    try {
      const reply = await this.#messages.request(subjects.encode(tokenizer), request, this.#encodeTimeoutMs, trace);
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
    this.#messages.emit(subjects.abort(role, instance), abort);
  }
}
