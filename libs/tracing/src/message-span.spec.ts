import { injectMessage, startProcess, startSend, type MessageDestination } from './message-span.js';
import { NULL_TRACE } from './null-trace.js';
import { control, named, recordAll, recorded } from './recording/recording.fixture.js';
import type { RequestTrace } from './request-trace.js';
import { resumeRequest, startRequest } from './requests.js';
import { TraceLevel, TraceModule } from './trace-level.js';
import { SpanKind, SpanStatus } from './trace-span.js';

const RID = '5a1f00d0'.repeat(4);
const SUBJECT = 'sw.decode.0000000a.leg';
const SEND = 'send sw.decode.leg';
const PROCESS = 'process sw.decode.leg';
const destination = (name: string): MessageDestination => ({ name, template: 'sw.decode.leg', clientId: '0000000b' });

const begin = (level: TraceLevel = TraceLevel.all): RequestTrace => startRequest({ rid: RID, role: 'gateway', level });
const send = (trace: RequestTrace) => startSend(trace, SUBJECT, destination);

beforeEach(() => {
  recordAll();
  recorded();
});
afterAll(() => (control.enabled = false));

it('a message that is sent and processed: two spans with a link, described as the conventions have it', () => {
  const gateway = begin();
  gateway.sliceStart('dispatch');
  const carrier = new Map<string, string>();
  gateway.inject(carrier);
  const sent = send(gateway)!;
  injectMessage(carrier, sent);
  sent.end();
  gateway.sliceEnd('dispatch');
  const decode = resumeRequest(carrier, { rid: RID, role: 'decode' });
  decode.sliceStart('decode_prepare');
  const processed = startProcess(decode, carrier, SUBJECT, destination)!;
  decode.sliceEnd('decode_prepare');
  processed.end();
  decode.finish();
  gateway.finish();
  const spans = recorded();
  const attributes = (operation: string) => ({
    'messaging.system': 'nats',
    'messaging.operation.name': operation,
    'messaging.operation.type': operation,
    'messaging.destination.name': SUBJECT,
    'messaging.destination.template': 'sw.decode.leg',
    'messaging.client.id': '0000000b',
    'messaging.message.conversation_id': RID,
  });
  const dispatch = named(spans, 'dispatch');
  expect(named(spans, SEND)).toMatchObject({
    kind: SpanKind.producer,
    parentSpanId: dispatch.spanId,
    spanId: sent.spanId,
    links: [],
    attributes: attributes('send'),
  });
  const { traceId, spanId } = named(spans, SEND);
  const prepare = named(spans, 'decode_prepare');
  expect(named(spans, PROCESS)).toMatchObject({
    kind: SpanKind.consumer,
    traceId,
    parentSpanId: prepare.parentSpanId,
    links: [{ traceId, spanId, attributes: { 'link.kind': 'message' } }],
    attributes: attributes('process'),
  });
  // Slices follow each other as if there were none.
  expect(prepare.links).toMatchObject([{ spanId: dispatch.spanId, attributes: { 'link.kind': 'prev' } }]);
});

it('hangs on the innermost slice, on the thread where none is open, on the request where it is on no thread', () => {
  const trace = begin();
  send(trace)!.end();
  trace.sliceStart('stream');
  trace.sliceStart('', { anonymous: true });
  send(trace)!.end();
  trace.sliceEnd('socket_write');
  trace.sliceEnd('stream', { threadFinish: true });
  send(trace)!.end();
  trace.finish();
  const spans = recorded();
  const parents = spans
    .filter(({ name }) => name === SEND)
    .map(({ parentSpanId }) => spans.find(({ spanId }) => spanId === parentSpanId)!.name);
  expect(parents).toEqual([expect.stringMatching(/\(host:/), 'socket_write', expect.stringMatching(/^gateway Req/)]);
});

it('may outlast its request, and ends once', () => {
  const trace = begin();
  trace.sliceStart('dispatch');
  const sent = send(trace)!;
  trace.abort('deadline');
  sent.end('no responders');
  sent.end();
  const spans = recorded();
  expect(named(spans, SEND)).toMatchObject({
    parentSpanId: named(spans, 'dispatch').spanId,
    status: { code: SpanStatus.error, message: 'no responders' },
  });
  expect(named(spans, SEND).endNs).toBeGreaterThanOrEqual(named(spans, 'dispatch').endNs);
  expect(send(trace)).toBeNull();
});

it.each([
  ['below level 3', () => begin(TraceLevel.normal), Object.values(TraceModule)],
  ['where the module is not chosen', () => begin(), [TraceModule.request]],
  ['of no trace', () => NULL_TRACE, Object.values(TraceModule)],
  [
    'of a request that is not sampled',
    () =>
      resumeRequest(new Map([['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`]]), {
        rid: RID,
        role: 'decode',
      }),
    Object.values(TraceModule),
  ],
])('there is none %s', (_, make, modules) => {
  control.modules = modules;
  const trace = make();
  const describeNever = (): never => {
    throw new Error('nobody asked for this');
  };
  const carrier = new Map([['x-sliceway-message', 'ab'.repeat(8)]]);
  expect(startSend(trace, SUBJECT, describeNever)).toBeNull();
  expect(startProcess(trace, carrier, SUBJECT, describeNever)).toBeNull();
  trace.finish();
  expect(recorded().filter(({ kind }) => kind !== SpanKind.internal)).toEqual([]);
});

it.each([
  [undefined, 0],
  ['', 0],
  ['0'.repeat(16), 1],
  ['AB'.repeat(8), 1],
  ['ab'.repeat(7), 1],
  ['ab'.repeat(9), 1],
])('a message that came with %j has no CONSUMER span, and %d is counted', (id, malformed) => {
  const trace = begin();
  const before = control.malformed;
  const carrier = id === undefined ? undefined : new Map([['x-sliceway-message', id]]);
  expect(startProcess(trace, carrier, SUBJECT, destination)).toBeNull();
  expect(control.malformed - before).toBe(malformed);
  trace.finish();
});
