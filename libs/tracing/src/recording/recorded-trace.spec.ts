import { batchStep, eventBatch, sliceBatch } from '../batch.js';
import { AttributeName, SliceName } from '../names.js';
import { NULL_TRACE } from '../null-trace.js';

import { requestTrace, resumeRequest } from '../requests.js';
import { registerThread } from '../thread.js';
import { TraceLevel } from '../trace-level.js';
import { SpanStatus, type TraceSpan } from '../trace-span.js';
import { MAX_EVENTS } from './record-format.js';
import { threadWriter } from './thread-writer.js';
import { begin, control, links, named, names, PARENT, recorded, recordInEach, RID, ROOM } from './recording.fixture.js';

const GATEWAY = registerThread({ label: 'gateway' });

recordInEach();

describe('the tree of a request', () => {
  it('is room, request, thread, slice, nested slice, under the parent that came in', () => {
    const trace = begin();
    trace.sliceStart(SliceName.stream, { ts: 1100 });
    trace.slice(SliceName.socketWrite, 1150, 1160);
    trace.sliceEnd(SliceName.stream, {
      ts: 1200,
      attributes: { tokens: 3, text: 'ä€', on: true, list: [1, 2.5], names: ['x', ''] },
    });
    trace.finish({ ts: 1300, attributes: { 'gen_ai.request.model': 'm' } });
    const spans = recorded();
    const [nested, slice, thread, request, room] = spans as [TraceSpan, TraceSpan, TraceSpan, TraceSpan, TraceSpan];
    expect(names(spans)).toEqual([
      'socket_write',
      'stream',
      expect.stringMatching(/^gateway \(host:[0-9a-f]{8} \| pid:\d+\)$/),
      'gateway Req a1b2c3d4',
      'Bootstrap Room 0x0123456789abcdef',
    ]);
    expect(spans.every(({ traceId }) => traceId === '1'.repeat(32))).toBe(true);
    expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([
      slice.spanId,
      thread.spanId,
      request.spanId,
      room.spanId,
      '2'.repeat(16),
    ]);
    expect(slice).toMatchObject({
      attributes: { tokens: 3, text: 'ä€', on: true, list: [1, 2.5], names: ['x', ''] },
      status: { code: SpanStatus.unset },
    });
    expect(slice.endNs - slice.startNs).toBe(100n);
    expect(request.attributes).toEqual({
      rid: RID,
      bootstrap_room: `0x${ROOM}`,
      module: 'request',
      'gen_ai.request.model': 'm',
    });
    expect(thread.attributes).toMatchObject({ thread_label: 'gateway', pid: process.pid });
    expect(nested.links).toEqual([]);
  });

  it('links each slice of the first level to the one before it', () => {
    const trace = begin();
    for (const [name, ts] of [
      ['receive', 1],
      ['admission', 2],
      ['route', 3],
    ] as const) {
      trace.sliceStart(name, { ts });
      trace.sliceEnd(name, { ts: ts + 1 });
    }
    trace.finish();
    const spans = recorded();
    expect(links(named(spans, 'receive'))).toEqual([]);
    expect(links(named(spans, 'admission'))).toEqual([['prev', named(spans, 'receive').spanId]]);
    expect(links(named(spans, 'route'))).toEqual([['prev', named(spans, 'admission').spanId]]);
  });

  it('goes on in another service, linked to the slice that was open when it was handed over', () => {
    const trace = begin();
    trace.sliceStart(SliceName.dispatch);
    const headers = new Map<string, string>();
    trace.inject(headers);
    const other = resumeRequest(headers, { rid: RID, role: 'prefill' });
    other.sliceStart(SliceName.prefillPrepare);
    other.sliceEnd(SliceName.prefillPrepare);
    other.finish();
    trace.sliceEnd(SliceName.dispatch);
    trace.finish();
    const spans = recorded();
    expect(links(named(spans, 'prefill_prepare'))).toEqual([['prev', named(spans, 'dispatch').spanId]]);
    const request = named(spans, 'prefill Req a1b2c3d4');
    expect(request.parentSpanId).toBe(named(spans, /^Bootstrap/).spanId);
    expect(request.attributes[AttributeName.bootstrapRoom]).toBe(`0x${ROOM}`);
  });

  it('has one request span for two ranks of a service', () => {
    const trace = begin({ role: 'decode' });
    const headers = new Map<string, string>();
    trace.inject(headers);
    for (const tpRank of [0, 1]) {
      const thread = registerThread({ label: 'engine', tpRank, dpRank: 2 });
      const rank = resumeRequest(headers, { rid: RID, role: 'decode', thread });
      rank.sliceStart(SliceName.decodeForward);
      rank.sliceEnd(SliceName.decodeForward, { threadFinish: true });
      rank.finish();
    }
    trace.finish();
    const spans = recorded();
    const request = named(spans, /^decode Req/);
    for (const rank of [0, 1]) {
      const thread = named(spans, new RegExp(`^engine \\[TP ${rank}\\] \\[DP 2\\]`));
      expect(thread.parentSpanId).toBe(request.spanId);
      expect(thread.attributes).toMatchObject({ tp_rank: rank, dp_rank: 2 });
    }
  });

  it('has a thread span for each visit', () => {
    const trace = begin();
    const engine = registerThread({ label: 'engine' });
    const visits = [0, 1].map((choice) => trace.visit({ thread: engine, choice }));
    visits[0]!.sliceStart(SliceName.decodeForward);
    visits[0]!.finish();
    trace.finish();
    const spans = recorded();
    const threads = spans.filter(({ name }) => name.startsWith('engine'));
    expect(threads.map(({ attributes }) => attributes[AttributeName.choice])).toEqual([0, 1]);
    expect(threads.map(({ status }) => status.message)).toEqual(['', 'unfinished']);
    expect(named(spans, 'decode_forward').status).toEqual({ code: SpanStatus.error, message: 'unfinished' });
  });
});

describe('events', () => {
  it('belong to the slice that they fall into, else to the thread', () => {
    const trace = begin();
    trace.event('before', {}, { ts: 1050 });
    trace.sliceStart('stream', { ts: 1100 });
    trace.event('outer', { a: 1 }, { ts: 1110 });
    trace.event('inner', {}, { ts: 1155 });
    trace.slice('socket_write', 1150, 1160);
    trace.event('hidden', {}, { level: TraceLevel.all });
    trace.sliceEnd('stream', { ts: 1200 });
    trace.finish({ ts: 1300 });
    const spans = recorded();
    const eventsOf = (name: string | RegExp): string[] => named(spans, name).events.map((event) => event.name);
    expect(eventsOf('socket_write')).toEqual(['inner']);
    expect(eventsOf('stream')).toEqual(['outer']);
    expect(eventsOf(/^gateway \(/)).toEqual(['before', 'hidden']);
    expect(named(spans, 'stream').events[0]).toMatchObject({ attributes: { a: 1 } });
  });

  it('past 128 are counted', () => {
    const trace = begin();
    trace.sliceStart('stream', { ts: 0 });
    for (let i = 0; i < MAX_EVENTS + 7; i++) trace.event('e', {}, { ts: i });
    trace.sliceEnd('stream', { ts: 1000 });
    trace.finish();
    const { events, droppedEvents } = named(recorded(), 'stream');
    expect([events.length, droppedEvents]).toEqual([MAX_EVENTS, 7]);
  });
});

describe('another attempt', () => {
  it('has a room of its own, and its first slice links to the lost one', () => {
    const trace = begin();
    trace.sliceStart('first_token_wait', { ts: 1100 });
    trace.retry({ bootstrapRoom: 'fedcba9876543210', reason: 'worker_lost', ts: 1200 });
    trace.sliceStart('tokenize_wait', { ts: 1200 });
    trace.sliceEnd('tokenize_wait', { ts: 1300 });
    trace.finish({ ts: 1400 });
    const spans = recorded();
    const lost = named(spans, /^Bootstrap Room 0x0123/);
    const room = named(spans, /^Bootstrap Room 0xfedc/);
    expect(lost.status).toEqual({ code: SpanStatus.error, message: 'worker_lost' });
    expect(named(spans, 'first_token_wait').status.message).toBe('worker_lost');
    expect([room.status.code, room.parentSpanId]).toEqual([SpanStatus.unset, lost.parentSpanId]);
    expect(room.startNs).toBe(lost.endNs);
    expect(links(named(spans, 'tokenize_wait'))).toEqual([
      ['prev', named(spans, 'first_token_wait').spanId],
      ['retry_of', lost.spanId],
    ]);
  });
});

describe('what is not recorded', () => {
  it.each([
    ['level 0', { level: TraceLevel.off }],
    [
      'a parent that is not sampled',
      { parent: new Map([['traceparent', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00`]]) },
    ],
    ['a ratio of 0', { parent: undefined, ratio: 0 }],
    ['a module that is off', { module: 'engine', modules: ['request'] }],
  ])('%s', (_, { ratio = 1, modules, ...over }: Record<string, unknown>) => {
    control.ratio = ratio as number;
    if (modules) control.modules = modules as ['request'];
    const trace = begin(over);
    trace.sliceStart('receive');
    trace.sliceEnd('receive');
    trace.finish();
    expect(recorded()).toEqual([]);
    expect(trace.current()).toBeNull();
  });

  it('counts what is malformed and goes on', () => {
    const before = control.malformed;
    const headers = new Map([...PARENT, ['x-sliceway-trace', '9-zz']]);
    begin({ parent: new Map([['traceparent', 'nonsense']]) }).finish();
    resumeRequest(headers, { rid: RID, role: 'decode' }).finish();
    begin({ parent: new Map([...PARENT, ['tracestate', '=']]) }).finish();
    expect(control.malformed - before).toBe(3);
    expect(recorded().filter(({ name }) => name.startsWith('Bootstrap'))).toHaveLength(3);
  });

  it('in one service because of its level is recorded by none after it', () => {
    control.level = TraceLevel.off;
    const headers = new Map<string, string>();
    begin().inject(headers);
    control.level = TraceLevel.all;
    const tokenizer = resumeRequest(headers, { rid: RID, role: 'tokenizer' });
    const further = new Map<string, string>();
    tokenizer.inject(further);
    const prefill = resumeRequest(further, { rid: RID, role: 'prefill' });
    expect([tokenizer.level, prefill.level]).toEqual([TraceLevel.off, TraceLevel.off]);
    expect(further.get('traceparent')).toBe(PARENT.get('traceparent'));
    prefill.finish();
    expect(recorded()).toEqual([]);
  });

  it('because its module is off here is recorded in the services after it', () => {
    const headers = new Map<string, string>();
    const gateway = begin();
    gateway.inject(headers);
    control.modules = ['request'];
    const passing = new Map<string, string>();
    resumeRequest(headers, { rid: 'm', role: 'tokenizer', module: 'engine' }).inject(passing);
    const prefill = resumeRequest(passing, { rid: RID, role: 'prefill' });
    expect(prefill.level).toBe(TraceLevel.all);
    prefill.finish();
    requestTrace('m').finish();
    gateway.finish();
    expect(recorded().filter(({ name }) => name.startsWith('Bootstrap'))).toHaveLength(1);
  });

  it('counts spans that the ring has no room for, and says so on the request', () => {
    const trace = begin();
    for (let i = 0; i < 20_000; i++) {
      trace.sliceStart('own');
      trace.sliceEnd('own');
    }
    const kept = recorded().length;
    trace.finish();
    const dropped = named(recorded(), /Req/).attributes[AttributeName.dropped] as number;
    expect(kept + dropped).toBe(20_000);
    expect(dropped).toBeGreaterThan(0);
  });

  it('counts names that the ring has no room for as nothing, and spans once', () => {
    const { dropped: before } = threadWriter();
    const trace = begin();
    for (let i = 0; i < 20_000; i++) trace.slice(`own ${i % 5000}`, i, i + 1);
    const kept = recorded().length;
    trace.finish();
    const dropped = named(recorded(), /Req/).attributes[AttributeName.dropped] as number;
    expect(kept + dropped).toBe(20_000);
    expect(kept + threadWriter().dropped - before).toBe(20_000);
  });

  it('is said on the thread span where the request span ends elsewhere', () => {
    const headers = new Map<string, string>();
    const first = begin();
    first.inject(headers);
    const second = resumeRequest(headers, { rid: 's', role: 'gateway', thread: GATEWAY });
    for (let i = 0; i < 20_000; i++) second.slice('own', i, i + 1);
    const kept = recorded().length;
    second.finish();
    first.finish();
    const [thread, ...others] = recorded();
    expect(thread!.attributes[AttributeName.dropped]).toBe(20_000 - kept);
    for (const { attributes } of others) expect(attributes).not.toHaveProperty(AttributeName.dropped);
  });
});

describe('batches', () => {
  it('record on all that are traced, and a step links to them and they to it', () => {
    const traces = [begin(), begin({ rid: 'f'.repeat(32), level: TraceLevel.important }), NULL_TRACE];
    for (const trace of traces) trace.sliceStart('decode_forward', { ts: 1100 });
    const step = batchStep({ thread: GATEWAY, startTs: 1110, endTs: 1120, attributes: { bid: 7 }, members: traces });
    sliceBatch('decode_loop', traces, 1110, 1120, { batch: step });
    eventBatch('schedule', traces, { bid: 7 });
    for (const trace of traces) trace.finish();
    const spans = recorded();
    const span = named(spans, 'batch_step');
    const loop = named(spans, 'decode_loop');
    expect(span).toMatchObject({ parentSpanId: null, spanId: step!.spanId, attributes: { bid: 7 } });
    expect(span.traceId).not.toBe(loop.traceId);
    expect(links(span)).toEqual([['batch', loop.parentSpanId]]);
    expect(loop.links).toMatchObject([{ traceId: span.traceId, spanId: span.spanId }]);
  });

  it('of more than 128 link to so many, and say how many they leave out', () => {
    const traces = Array.from({ length: 131 }, (_, i) => begin({ rid: i.toString(16).padStart(32, '0') }));
    batchStep({ thread: GATEWAY, startTs: 1, endTs: 2, attributes: { bid: 7 }, members: [NULL_TRACE, ...traces] });
    for (const trace of traces) trace.finish();
    const span = named(recorded(), 'batch_step');
    expect(span.attributes).toEqual(expect.objectContaining({ bid: 7, members_omitted: 3 }));
    expect(new Set(span.links.map(({ spanId }) => spanId)).size).toBe(128);
  });

  it('without a traced member leave nothing', () => {
    expect(batchStep({ thread: GATEWAY, startTs: 1, endTs: 2, attributes: {}, members: [NULL_TRACE] })).toBeNull();
    expect(recorded()).toEqual([]);
  });
});

it.each([
  ['TP rank 3!', '12', 'tp_rank_3_', '0'.repeat(14) + '12'],
  ['r'.repeat(40), 'not hex', 'r'.repeat(32), '0'.repeat(16)],
  ['', ROOM.toUpperCase(), 'service', ROOM],
])('the role %j and the room %j travel as headers have them', (role, bootstrapRoom, rightRole, room) => {
  const headers = new Map<string, string>();
  const trace = begin({ role, bootstrapRoom });
  trace.inject(headers);
  const before = control.malformed;
  const second = resumeRequest(headers, { rid: 's', role: rightRole });
  expect(control.malformed).toBe(before);
  second.finish();
  trace.finish();
  const spans = recorded();
  expect(named(spans, /Req/).name).toBe(`${rightRole} Req ${RID.slice(0, 8)}`);
  expect(named(spans, /Room/).name).toBe(`Bootstrap Room 0x${room}`);
});

it('finds a live trace by its rid', () => {
  const trace = begin();
  expect(requestTrace(RID)).toBe(trace);
  trace.finish();
  expect(requestTrace(RID)).toBe(NULL_TRACE);
});
