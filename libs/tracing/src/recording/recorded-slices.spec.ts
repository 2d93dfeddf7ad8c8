import { AttributeName, LinkKind, SliceName } from '../names.js';
import { kvSpanIds } from '../span-ids.js';
import { TraceLevel } from '../trace-level.js';
import { SpanStatus } from '../trace-span.js';
import { threadWriter } from './thread-writer.js';
import { begin, links, named, names, recorded, recordInEach, ROOM } from './recording.fixture.js';

recordInEach();

describe('slices', () => {
  it.each([
    [TraceLevel.important, ['receive']],
    [TraceLevel.normal, ['receive', 'dispatch', 'own']],
    [TraceLevel.all, ['receive', 'dispatch', 'own', 'socket_write']],
  ])('at level %d are those of the level', (level, expected) => {
    const trace = begin({ level });
    for (const name of ['receive', 'dispatch', 'own', 'socket_write']) {
      trace.sliceStart(name);
      trace.sliceEnd(name);
    }
    trace.finish();
    expect(names(recorded()).slice(0, -3)).toEqual(expected);
  });

  it('without a name get it at their end, and begin where the one before ended', () => {
    const trace = begin({ level: TraceLevel.normal });
    trace.sliceStart('', { anonymous: true, ts: 1 });
    trace.sliceEnd('receive', { ts: 2, autoNext: true });
    trace.sliceEnd('socket_write', { ts: 3, autoNext: true });
    trace.sliceEnd('stream', { ts: 4, threadFinish: true });
    trace.finish();
    const spans = recorded();
    expect(names(spans).slice(0, 2)).toEqual(['receive', 'stream']);
    expect(spans[1]!.startNs - spans[0]!.startNs).toBe(2n);
    expect(links(spans[1]!)).toEqual([['prev', spans[0]!.spanId]]);
  });

  it('without a name have the level that their start gave them', () => {
    const trace = begin({ level: TraceLevel.important });
    for (const [level, name] of [
      [TraceLevel.important, 'mine'],
      [TraceLevel.normal, 'yours'],
    ] as const) {
      trace.sliceStart('', { anonymous: true, level });
      trace.sliceEnd(name);
    }
    trace.finish();
    expect(names(recorded()).slice(0, -3)).toEqual(['mine']);
  });

  it('without a name that something links to stay, whatever their name', () => {
    const trace = begin({ level: TraceLevel.normal });
    trace.sliceStart('', { anonymous: true });
    const ref = trace.current()!;
    trace.sliceEnd('socket_write');
    trace.finish();
    expect(named(recorded(), 'socket_write').spanId).toBe(ref.spanId);
  });

  it('may be called as members of every object are', () => {
    const trace = begin({ level: TraceLevel.normal });
    for (const name of ['constructor', 'toString', '__proto__']) trace.slice(name, 1, 2);
    trace.finish();
    expect(names(recorded()).slice(0, -3)).toEqual(['constructor', 'toString', '__proto__']);
  });

  it('have an attribute once: what comes last holds', () => {
    const trace = begin();
    trace.sliceStart('own');
    trace.setSliceAttributes({ tokens: 1, bytes: 1 });
    trace.sliceEnd('own', { attributes: { tokens: 2 } });
    trace.setThreadAttributes({ thread_label: 'mine' });
    trace.finish();
    const spans = recorded();
    expect(named(spans, 'own').attributes).toEqual({ tokens: 2, bytes: 1 });
    expect(named(spans, /host:/).attributes).toMatchObject({ thread_label: 'mine' });
  });

  it('that end under another name are errors', () => {
    const trace = begin();
    trace.sliceStart('receive');
    trace.sliceEnd('route');
    trace.sliceEnd('nothing is open');
    trace.finish();
    expect(named(recorded(), 'receive').status).toEqual({ code: SpanStatus.error, message: 'ended as route' });
  });

  it('still open at an abort end with its reason, as do thread, request and room', () => {
    const trace = begin();
    trace.sliceStart('stream');
    trace.sliceStart('socket_write');
    trace.abort('client_disconnected');
    trace.sliceEnd('stream');
    trace.finish();
    const spans = recorded();
    expect(spans).toHaveLength(5);
    for (const { status } of spans) expect(status).toEqual({ code: SpanStatus.error, message: 'client_disconnected' });
  });

  it('too deep are dropped and counted, and those around them are not', () => {
    const before = threadWriter().dropped;
    const trace = begin();
    for (let i = 0; i < 40; i++) trace.sliceStart('own');
    for (let i = 0; i < 40; i++) trace.sliceEnd('own');
    trace.finish();
    const spans = recorded();
    expect(spans.filter(({ name }) => name === 'own')).toHaveLength(16);
    expect(named(spans, /Req/).attributes[AttributeName.dropped]).toBe(24);
    expect(threadWriter().dropped - before).toBe(24);
  });

  it('of a KV transfer link to each other by the room alone', () => {
    const trace = begin();
    const { prefill, decode } = kvSpanIds(ROOM);
    trace.sliceStart(SliceName.prefillTransferKvCache, { spanId: prefill });
    trace.link(LinkKind.kv, { spanId: decode });
    trace.sliceEnd(SliceName.prefillTransferKvCache);
    trace.sliceStart(SliceName.decodeTransferred, { spanId: decode });
    trace.link(LinkKind.kv, { spanId: prefill });
    trace.sliceEnd(SliceName.decodeTransferred);
    trace.finish();
    const [sent, received] = recorded();
    expect(links(sent!)).toEqual([['kv', received!.spanId]]);
    expect(links(received!)).toEqual([
      ['prev', sent!.spanId],
      ['kv', sent!.spanId],
    ]);
  });
});
