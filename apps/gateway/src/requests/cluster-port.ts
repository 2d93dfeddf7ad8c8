import type {
  Abort,
  DecodeLeg,
  EncodeReply,
  EncodeRequest,
  PrefillLeg,
  WorkerId,
  WorkerRole,
} from '@sliceway/protocol';
import type { RequestTrace } from '@sliceway/tracing';

/** What a request says to the workers. Answers other than the encode reply come through the request table. */
export interface ClusterPort {
  /** The workers' return address. */
  readonly gateway: WorkerId;
  /**
   * @param signal nobody waits for the reply any more
   * @throws when the tokenizer is not there, or answers what is no reply
   */
  encode(tokenizer: WorkerId, request: EncodeRequest, trace: RequestTrace, signal: AbortSignal): Promise<EncodeReply>;
  prefill(prefill: WorkerId, leg: PrefillLeg, trace: RequestTrace): void;
  decode(decode: WorkerId, leg: DecodeLeg, trace: RequestTrace): void;
  abort(role: WorkerRole, instance: WorkerId, abort: Abort): void;
  /** Resolves when nats-server has all that was said so far. @throws when it was lost before */
  flushed(): Promise<void>;
}

/** Token of the one `ClusterPort` of this process. */
export const CLUSTER_PORT = Symbol('ClusterPort');
