import { GREEDY, type EngineWorker, type SequenceRequest, type TokenEvent } from '@sliceway/engine';
import {
  AbortReason,
  type Abort,
  type FailureCode,
  type FirstToken,
  type PrefillLeg,
  type TokenEntry,
} from '@sliceway/protocol';
import type {
  FailedAttempt,
  FailureReporter,
  FramePublisher,
  KvSender,
  KvSource,
  KvTransferId,
  KvTransport,
  SenderEvents,
} from '@sliceway/service';
import { NULL_TRACE } from '@sliceway/tracing';
import { PrefillLegs } from './prefill-legs.js';

export const RID = 'a'.repeat(32);
export const ID = `${RID}/0/0`;
export const [GATEWAY, TOKENIZER, DECODE, STRANGER] = ['00000001', '00000002', '00000003', '00000004'];
export const SEGMENT = { layerFrom: 0, layerTo: 1, tokenFrom: 0, tokenTo: 2 };

export const leg = (over: Partial<PrefillLeg> = {}): PrefillLeg => ({
  rid: RID,
  choice: 0,
  attempt: 0,
  choices: 1,
  room: '0'.repeat(16),
  gateway: GATEWAY!,
  tokenizer: TOKENIZER!,
  decode: DECODE!,
  promptIds: [1, 2],
  sampling: { ...GREEDY, maxNewTokens: 9, logprobs: 2 },
  deadlineMs: 0,
  ...over,
});
export const abort = (over: Partial<Abort> = {}) => ({
  rid: RID,
  choice: null,
  attempt: 0,
  reason: AbortReason.clientDisconnected,
  ...over,
});
export const token = (over: Partial<TokenEvent> = {}): TokenEvent => ({
  id: ID,
  choice: 0,
  index: 0,
  token: 7,
  finish: null,
  ...over,
});

/** An engine and a transport that do what the test says, and write down what they are told. */
export function setUp() {
  const said: string[] = [];
  const failed: (FailedAttempt & { code: FailureCode })[] = [];
  const submitted: SequenceRequest[] = [];
  const opened: { id: KvTransferId; source: KvSource; events: SenderEvents }[] = [];
  const firstTokens: unknown[] = [];
  const sent = { bytesSent: 0, chunksSent: 0, isAcknowledged: false };
  let refusal: Error | undefined;
  const engine = {
    aheadOf: () => ({ position: 3, tokens: 40 }),
    submit: (request: SequenceRequest) => {
      if (refusal) throw refusal;
      submitted.push(request);
      said.push(`submit ${request.id}`);
    },
    exportKv: (id: string) => [Buffer.from(id)],
    abort: (id: string) => (said.push(`abort ${id}`), true),
  } as unknown as EngineWorker;
  const transport = {
    openSender: (id: KvTransferId, source: KvSource, events: SenderEvents): KvSender => {
      opened.push({ id, source, events });
      return Object.assign(sent, {
        bytesQueued: 0,
        framesSent: 0,
        push: () => void said.push('push'),
        finish: (tokens: readonly FirstToken[]) => {
          firstTokens.push(...tokens);
          said.push('finish');
        },
        close: () => void said.push('close'),
      });
    },
  } as unknown as KvTransport;
  const tokens = {
    add: (to: string, { choice, index, finish }: TokenEntry) =>
      said.push(`token ${choice}:${index} ${finish} to ${to}`),
    flush: () => said.push('flush'),
  } as unknown as FramePublisher<TokenEntry>;
  const failures = {
    report: (of: FailedAttempt, code: FailureCode) => failed.push({ ...of, code }),
  } as unknown as FailureReporter;
  const legs = new PrefillLegs(engine, transport, tokens, failures, { maxOpen: 8, isEnding: () => false }, () => {});
  return {
    ...{ legs, engine, sent, said, failed, submitted, opened, firstTokens },
    accept: (over: Partial<PrefillLeg> = {}, trace = NULL_TRACE) => legs.accept(leg(over), trace),
    step: (...events: TokenEvent[]) => legs.onStep({ bid: 0, tokens: events }),
    refuse: (error: Error) => (refusal = error),
  };
}
