import { GREEDY, type EngineWorker, type SequenceRequest, type TokenEvent } from '@sliceway/engine';
import {
  AbortReason,
  type Abort,
  type FailureCode,
  FinishReason,
  type DecodeLeg,
  type FirstToken,
  type TokenEntry,
} from '@sliceway/protocol';
import type {
  FailedAttempt,
  FailureReporter,
  FramePublisher,
  KvReceiver,
  KvSink,
  KvTransferId,
  KvTransport,
  ReceiverEvents,
} from '@sliceway/service';
import { NULL_TRACE } from '@sliceway/tracing';
import { DecodeLegs } from './decode-legs.js';

export const RID = 'a'.repeat(32);
export const ID = `${RID}/0/0`;
export const [GATEWAY, TOKENIZER, PREFILL] = ['00000001', '00000002', '00000003'];
export const SEGMENT = { layerFrom: 0, layerTo: 1, tokenFrom: 0, tokenTo: 2 };

export const leg = (over: Partial<DecodeLeg> = {}): DecodeLeg => ({
  rid: RID,
  choice: 0,
  attempt: 0,
  choices: 1,
  room: '0'.repeat(16),
  gateway: GATEWAY!,
  tokenizer: TOKENIZER!,
  prefill: PREFILL!,
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
  index: 1,
  token: 7,
  finish: null,
  ...over,
});
export const first = (finish: FinishReason = FinishReason.none): FirstToken => ({ token: 5, finish });
/** The promise of `reserve` has been heard. */
export const heard = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An engine and a transport that do what the test says, and write down what they are told. */
export function setUp() {
  const said: string[] = [];
  const failed: (FailedAttempt & { code: FailureCode })[] = [];
  const reserved: { request: SequenceRequest; grant: () => void; refuse: (error: Error) => void }[] = [];
  const announced = new Set<string>();
  const opened: { id: KvTransferId; sink: KvSink; events: ReceiverEvents }[] = [];
  const faults: { start?: Error; noRoom?: boolean } = {};
  const engine = {
    aheadOf: () => ({ position: 3, tokens: 40 }),
    reserve: (request: SequenceRequest) =>
      new Promise<void>((grant, refuse) => void reserved.push({ request, grant, refuse })),
    importKv: (id: string) => (said.push(`import ${id}`), true),
    start: (id: string, firstTokens: readonly number[]) => {
      if (faults.start) throw faults.start;
      said.push(`start ${id} ${firstTokens.join()}`);
      return faults.noRoom ? [] : firstTokens.map((_, i) => reserved[0]!.request.firstChoice + i);
    },
    abort: (id: string, choice?: number) => (said.push(`abort ${id}${choice === undefined ? '' : ` ${choice}`}`), true),
  } as unknown as EngineWorker;
  const transport = {
    announce: ({ peer }: KvTransferId) => {
      announced.add(peer);
      return { close: () => void announced.delete(peer) };
    },
    openReceiver: (id: KvTransferId, sink: KvSink, events: ReceiverEvents): KvReceiver => {
      opened.push({ id, sink, events });
      return { bytesReceived: 4096, close: () => void said.push('close') };
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
  const legs = new DecodeLegs(engine, transport, tokens, failures, { maxOpen: 8, isEnding: () => false }, () => {});
  const accept = (over: Partial<DecodeLeg> = {}, trace = NULL_TRACE): void => legs.accept(leg(over), trace);
  return {
    ...{ legs, engine, said, failed, reserved, opened, announced, faults, accept },
    step: (...events: TokenEvent[]) => legs.onStep({ bid: 0, tokens: events }),
    receive: async (over: Partial<DecodeLeg> = {}, trace = NULL_TRACE) => {
      accept(over, trace);
      reserved.at(-1)!.grant();
      await heard();
    },
  };
}
