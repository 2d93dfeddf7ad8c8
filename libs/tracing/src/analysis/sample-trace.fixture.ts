import { AttributeName, EventName, LinkKind, SliceName } from '../names.js';
import { SpanKind, type TraceSpan } from '../trace-span.js';
import { max, min } from './explainers.js';
import { addMessage } from './sample-message.fixture.js';
import { runChoice } from './sample-choice.fixture.js';
import { bootstrapPrefill, legTimes, receiveKv, runPrefill } from './sample-legs.fixture.js';
import { SAMPLE_RID, type SampleOptions, type SampleParts } from './sample-parts.fixture.js';
import { type SpanDraft, type ThreadDraft, TraceBuilder } from './trace-builder.fixture.js';

export { SAMPLE_RID, type SampleOptions } from './sample-parts.fixture.js';

/** Span id of the parent that came in with the request. */
export const OUTER_PARENT = '00f067aa0ba902b7';
const ROOMS = ['0123456789abcdef', 'fedcba9876543210'];
const US = 1000n;
const MS = 1_000_000n;

/** How long each part takes, in nanoseconds. */
const USUAL: Readonly<Record<string, bigint>> = {
  http: 80n * US,
  receive: 210n * US,
  admission: 15n * US,
  tokenize: 1800n * US,
  api_server_dispatch: 90n * US,
  route: 60n * US,
  dispatch: 240n * US,
  prefill_prepare: 130n * US,
  decode_prepare: 320n * US,
  prefill_waiting: 4200n * US,
  prefill_forward: 61n * MS,
  kv_first_chunk: 30n * MS,
  kv_tail: 3n * MS,
  kv_acknowledged: 400n * US,
  decode_waiting: 2100n * US,
  decode_forward: 240n * MS,
  detokenize_first: 220n * US,
  detokenize_last: 180n * US,
  stream: 350n * US,
  send: 45n * US,
  lost_after: 40n * MS,
};
const USUAL_HOP = 120n * US;

/** A request as the services trace it, made up: valid, with all that the contract asks for. */
export function sampleTrace(options: SampleOptions = {}): TraceSpan[] {
  const { http = true, retry = false } = options;
  const builder = new TraceBuilder(options);
  const take = (part: string): bigint => options.duration?.(part) ?? USUAL[part] ?? USUAL_HOP;
  const server = http ? builder.span('gateway', 'POST', OUTER_PARENT, 0n, 0n) : null;
  if (server) Object.assign(server, { kind: SpanKind.server, scope: '@opentelemetry/instrumentation-http' });
  const startNs = http ? take('http') : 0n;
  const lost = retry ? attempt({ builder, options, take, server, index: 0, startNs, lost: null }) : null;
  const index = retry ? 1 : 0;
  const { endNs } = attempt({ builder, options, take, server, index, startNs: lost?.endNs ?? startNs, lost });
  if (server) builder.extend(server, 'gateway', endNs + take('http'));
  return builder.spans;
}

interface Attempt extends Pick<SampleParts, 'builder' | 'options' | 'take'> {
  readonly server: SpanDraft | null;
  readonly index: number;
  readonly startNs: bigint;
  /** The attempt before it. */
  readonly lost: AttemptEnd | null;
}

interface AttemptEnd {
  readonly room: SpanDraft;
  readonly previous: string | null;
  readonly endNs: bigint;
}

function attempt({ builder, options, take, server, index, startNs, lost }: Attempt): AttemptEnd {
  const roomId = ROOMS[index]!;
  const room = builder.span('gateway', `Bootstrap Room 0x${roomId}`, server, startNs, startNs);
  Object.assign(room.attributes, {
    [AttributeName.rid]: SAMPLE_RID,
    [AttributeName.bootstrapRoom]: `0x${roomId}`,
    [AttributeName.module]: 'request',
  });
  const requests = new Map<string, SpanDraft>();
  const request = (role: string, fromNs: bigint): SpanDraft => {
    const span = requests.get(role) ?? builder.request(role, SAMPLE_RID, room, fromNs, fromNs);
    requests.set(role, span);
    return span;
  };
  const parts: SampleParts = { builder, options, take, roomId, request };
  const root = request('gateway', startNs);
  Object.assign(root.attributes, { [AttributeName.operationName]: 'chat', [AttributeName.requestModel]: 'tiny' });
  const gateway = builder.thread('gateway', 'gateway', root, startNs, startNs, { previous: lost?.previous ?? null });
  const end = (endNs: bigint, failed: readonly (SpanDraft | null)[], reason: string | null): AttemptEnd => {
    for (const span of [room, root, gateway.span]) builder.extend(span, 'gateway', endNs);
    if (reason !== null) builder.fail(reason, room, root, gateway.span, ...failed);
    return { room, previous: gateway.previous, endNs };
  };

  let nowNs = startNs;
  const own = (name: SliceName): SpanDraft | null =>
    builder.slice('gateway', gateway, name, nowNs, (nowNs += take(name)));
  if (lost === null) {
    own(SliceName.receive);
    own(SliceName.admission);
  }
  const encoded = encode(parts, gateway, nowNs);
  if (lost !== null) builder.link(encoded.wait, LinkKind.retryOf, lost.room.spanId);
  nowNs = encoded.endNs;
  const route = own(SliceName.route);
  const candidates = { candidates: ['prefill a', 'decode b'], scores: [1, 0.5] };
  builder.event('gateway', route, EventName.candidates, nowNs, candidates);
  const sentNs = nowNs;
  own(SliceName.dispatch);

  const times = legTimes(parts, sentNs);
  const previous = gateway.previous;
  const prefill = bootstrapPrefill(parts, times, previous);
  if (options.retry === true && index === 0) {
    // Decode is gone with its spans; prefill hears of it from the gateway.
    const lostNs = max(times.bootNs, max(nowNs, sentNs + take('lost_after')));
    const wait = builder.slice('gateway', gateway, SliceName.firstTokenWait, nowNs, lostNs);
    return end(lostNs, [wait, prefill.root, prefill.scheduler.span, prefill.bootstrap], 'worker_lost');
  }
  runPrefill(parts, times, prefill.root, prefill.scheduler);
  const decode = receiveKv(parts, times, previous);
  const texts = Array.from({ length: options.choices ?? 1 }, (_, choice) =>
    runChoice(parts, times, choice, { decode, tokenizer: encoded.previous }),
  );
  const streamNs = max(nowNs, texts.map(({ firstTextNs }) => firstTextNs).reduce(min));
  builder.slice('gateway', gateway, SliceName.firstTokenWait, nowNs, streamNs);
  const lastTextNs = max(streamNs, texts.map((text) => text.lastTextNs).reduce(max));
  const endNs = lastTextNs + take('stream');
  const stream = builder.slice('gateway', gateway, SliceName.stream, streamNs, endNs);
  builder.event('gateway', stream, EventName.lastText, lastTextNs);
  builder.nested('gateway', stream, SliceName.socketWrite, lastTextNs, endNs);
  return end(endNs, [stream], options.aborted === true ? 'client_disconnected' : null);
}

/** The gateway's wait for the tokenizer, and that one's first visit. */
function encode(parts: SampleParts, gateway: ThreadDraft, sentNs: bigint) {
  const { builder, take, request } = parts;
  const startNs = sentNs + take('hop:gateway>tokenizer');
  const tokenizedNs = startNs + take('tokenize');
  const repliedNs = tokenizedNs + take('api_server_dispatch');
  const endNs = repliedNs + take('hop:tokenizer>gateway');
  const root = request('tokenizer', startNs);
  const wait = builder.slice('gateway', gateway, SliceName.tokenizeWait, sentNs, endNs);
  const visit = builder.thread('tokenizer', 'tokenizer', root, startNs, repliedNs, { previous: gateway.previous });
  const tokenize = builder.slice('tokenizer', visit, SliceName.tokenize, startNs, tokenizedNs)!;
  tokenize.attributes[AttributeName.tokens] = 512;
  const templateEndNs = startNs + (tokenizedNs - startNs) / 3n;
  builder.nested('tokenizer', tokenize, SliceName.chatTemplate, startNs, templateEndNs);
  builder.slice('tokenizer', visit, SliceName.apiServerDispatch, tokenizedNs, repliedNs);
  builder.extend(root, 'tokenizer', repliedNs);
  addMessage(parts, {
    from: 'gateway',
    to: 'tokenizer',
    what: 'encode',
    slice: wait,
    thread: visit.span,
    sentNs,
    comeNs: startNs,
    doneNs: repliedNs,
  });
  return { wait, endNs, previous: visit.previous };
}
