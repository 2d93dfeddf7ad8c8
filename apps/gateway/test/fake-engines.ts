import type { NatsConnection } from '@nats-io/transport-node';
import {
  encodeTokenFrame,
  FinishReason,
  FrameCounter,
  parseDecodeLeg,
  parsePrefillLeg,
  subjects,
  type Abort,
  type DecodeLeg,
  type Failed,
  type FailureCode,
  type PrefillLeg,
} from '@sliceway/protocol';
import { FakePeer } from './fake-peer.js';
import { eventPacket } from './nest-wire.js';

/** Token `index` of a choice. */
export const tokenOf = (choice: number, index: number): number => 100 * (choice + 1) + index;

abstract class FakeEngine<L extends PrefillLeg | DecodeLeg> extends FakePeer {
  readonly legs: { leg: L; traceparent: string | undefined }[] = [];
  /** Frames of tokens. */
  sent = 0;
  readonly #counter = new FrameCounter();

  /** Sends one token per choice in one frame. */
  protected sendTokens(leg: L, index: number): void {
    this.sent += 1;
    const finish = index + 1 === leg.sampling.maxNewTokens ? FinishReason.length : FinishReason.none;
    const entries = Array.from({ length: leg.choices }, (_, choice) => ({
      rid: leg.rid,
      choice,
      attempt: leg.attempt,
      finish,
      index,
      tokens: [tokenOf(choice, index)],
      logprobs: null,
    }));
    const frame = { sender: this.instance, seq: this.#counter.next(leg.tokenizer), entries };
    this.connection.publish(subjects.tokens(leg.tokenizer), encodeTokenFrame(frame));
  }

  fail(leg: L, code: FailureCode): void {
    const { role, instance } = this;
    const failed: Failed = {
      rid: leg.rid,
      choice: null,
      attempt: leg.attempt,
      code,
      message: 'because the test says so',
      from: { role, instance },
    };
    const subject = subjects.failed(leg.gateway);
    this.connection.publish(subject, eventPacket(subject, failed));
  }
}

/** Answers each leg with the first token, unless it is told not to. */
export class FakePrefill extends FakeEngine<PrefillLeg> {
  answers = true;

  constructor(connection: NatsConnection, instance: string) {
    super(connection, 'prefill', instance);
    this.on(subjects.leg('prefill', instance), (data, message) => {
      const leg = parsePrefillLeg(data);
      this.legs.push({ leg, traceparent: message.headers?.get('traceparent') });
      if (this.answers) this.sendTokens(leg, 0);
    });
  }
}

/** Goes on with one token per step until the limit, an abort or `hold`. */
export class FakeDecode extends FakeEngine<DecodeLeg> {
  /** Nothing more is sent from this token on. */
  holdAt = Infinity;
  stepMs = 1;
  readonly running = new Map<string, { attempt: number; timer: NodeJS.Timeout }>();

  constructor(connection: NatsConnection, instance: string) {
    super(connection, 'decode', instance);
    this.on(subjects.leg('decode', instance), (data, message) => {
      const leg = parseDecodeLeg(data);
      this.legs.push({ leg, traceparent: message.headers?.get('traceparent') });
      if (leg.sampling.maxNewTokens > 1) this.#run(leg);
    });
  }

  override vanish(): void {
    super.vanish();
    for (const rid of [...this.running.keys()]) this.#stop(rid);
  }

  protected override aborted({ rid, choice, attempt }: Abort): void {
    if (choice === null && (this.running.get(rid)?.attempt ?? Infinity) <= attempt) this.#stop(rid);
  }

  #run(leg: DecodeLeg): void {
    this.#stop(leg.rid);
    let index = 1;
    const timer = setInterval(() => {
      if (index >= this.holdAt) return;
      this.sendTokens(leg, index);
      index += 1;
      if (index === leg.sampling.maxNewTokens) this.#stop(leg.rid);
    }, this.stepMs);
    this.running.set(leg.rid, { attempt: leg.attempt, timer });
  }

  #stop(rid: string): void {
    clearInterval(this.running.get(rid)?.timer);
    this.running.delete(rid);
  }
}
