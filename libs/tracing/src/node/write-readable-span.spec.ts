import {
  context,
  createTraceState,
  ROOT_CONTEXT,
  SpanKind as ApiKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  AlwaysOffSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { now } from '../clock.js';
import { readSpan } from '../recording/read-span.js';
import { estimateOrigin } from '../export/estimate-origin.js';
import { RingReader } from '../recording/ring-reader.js';
import { SharedControl } from '../recording/shared-control.js';
import { SpanWriter } from '../recording/span-writer.js';
import type { TraceSpan } from '../trace-span.js';
import { RingSpanProcessor } from './ring-span-processor.js';
import { writeReadableSpan } from './write-readable-span.js';

const control = SharedControl.ofProcess();
const PARENT = {
  traceId: '0123456789abcdef0123456789abcdef',
  spanId: 'fedcba9876543210',
  traceFlags: 1,
  traceState: createTraceState('a=1,b=2'),
};

/** A pause between two readings of clocks would be taken for a part of the origin. */
const originNs = (): bigint => estimateOrigin().originNs;

function read(writer: SpanWriter): TraceSpan[] {
  const ring = new RingReader(writer.buffer);
  const spans: TraceSpan[] = [];
  ring.drain((raw) => {
    spans.push(readSpan(ring, raw, control, {}));
    return true;
  });
  return spans;
}

describe('writeReadableSpan', () => {
  const exporter = new InMemorySpanExporter();
  const sdk = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = sdk.getTracer('a-scope', '1.2.3');

  beforeAll(() => control.addEpoch(originNs()));
  beforeEach(() => exporter.reset());

  function written() {
    const writer = new SpanWriter();
    const [span] = exporter.getFinishedSpans();
    expect(writeReadableSpan(writer, span!)).toBe(true);
    const [record, ...more] = read(writer);
    expect(more).toEqual([]);
    return { span: span!, record: record! };
  }

  it('keeps all that a span has', () => {
    const linked = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 };
    const start = Date.now();
    const attributes = { text: 'ä', number: 1.5, no: false, numbers: [1, 2], texts: ['x', 'y'], flags: [true, false] };
    const parent = trace.setSpanContext(ROOT_CONTEXT, PARENT);
    const links = [{ context: linked, attributes: { 'link.kind': 'other' } }, { context: PARENT }];
    const open = tracer.startSpan('POST', { kind: ApiKind.SERVER, startTime: start, attributes, links }, parent);
    open.setAttribute('holes', [null, 'z', undefined]);
    open.addEvent('first', { at: 1 }, start + 1);
    open.addEvent('second', start + 2);
    open.setStatus({ code: SpanStatusCode.ERROR, message: 'no' });
    open.end(start + 5);
    const { record } = written();
    const ns = (ms: number): bigint => BigInt(ms) * 1_000_000n;
    expect(record).toEqual({
      traceId: PARENT.traceId,
      spanId: open.spanContext().spanId,
      parentSpanId: PARENT.spanId,
      traceState: 'a=1,b=2',
      name: 'POST',
      kind: 2,
      startNs: ns(start),
      endNs: ns(start + 5),
      attributes: { ...attributes, flags: ['true', 'false'], holes: ['', 'z', ''] },
      events: [
        { name: 'first', timeNs: ns(start + 1), attributes: { at: 1 } },
        { name: 'second', timeNs: ns(start + 2), attributes: {} },
      ],
      links: [
        { traceId: linked.traceId, spanId: linked.spanId, attributes: { 'link.kind': 'other' } },
        { traceId: PARENT.traceId, spanId: PARENT.spanId, attributes: {} },
      ],
      droppedEvents: 0,
      droppedLinks: 0,
      status: { code: 2, message: 'no' },
      scope: 'a-scope',
      resource: {},
    });
  });

  it.each([
    ['internal', ApiKind.INTERNAL, 1],
    ['client', ApiKind.CLIENT, 3],
    ['producer', ApiKind.PRODUCER, 4],
    ['consumer', ApiKind.CONSUMER, 5],
  ])('counts kinds as OTLP does: %s', (_, kind, expected) => {
    tracer.startSpan('a', { kind }, ROOT_CONTEXT).end();
    const { record } = written();
    expect(record).toMatchObject({ kind: expected, parentSpanId: null, status: { code: 0, message: '' } });
  });

  it('keeps the last of too many events, and says how many are missing', () => {
    const open = tracer.startSpan('a');
    for (let i = 0; i < 130; i++) open.addEvent(`event ${i}`);
    open.end();
    const { record } = written();
    expect(record.events.map(({ name }) => name)).toEqual(Array.from({ length: 128 }, (_, i) => `event ${i + 2}`));
    expect(record.droppedEvents).toBe(2);
  });

  it('drops what a full ring has no room for', () => {
    tracer.startSpan('a').end();
    const [span] = exporter.getFinishedSpans();
    const writer = new SpanWriter(1 << 14);
    let count = 0;
    while (writeReadableSpan(writer, span!) && count < 10_000) count++;
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThan(10_000);
    expect(writer.dropped).toBe(1);
    expect(read(writer)).toHaveLength(count);
  });
});

describe('RingSpanProcessor', () => {
  it('times a span by the clock of all others: the start that the SDK gives is a whole millisecond', () => {
    control.addEpoch(originNs());
    const writer = new SpanWriter();
    const tracer = new BasicTracerProvider({ spanProcessors: [new RingSpanProcessor(() => writer)] }).getTracer('a');
    const at = (ts: number): bigint => control.toEpochNs(ts, control.epoch);
    const toleranceNs = 500_000n;
    for (let i = 0; i < 20; i++) {
      const before = now();
      const open = tracer.startSpan('a');
      const started = now();
      while (now() < started + 1.3e6);
      open.addEvent('late');
      open.end();
      const after = now();
      const [record] = read(writer);
      expect(record!.startNs).toBeGreaterThanOrEqual(at(before));
      expect(record!.startNs).toBeLessThanOrEqual(at(started));
      expect(record!.events[0]!.timeNs).toBeGreaterThan(at(started + 1e6));
      expect(record!.endNs).toBeGreaterThanOrEqual(record!.events[0]!.timeNs);
      expect(record!.endNs).toBeLessThanOrEqual(at(after) + toleranceNs);
    }
  });

  it('takes a start that the caller gave', () => {
    const writer = new SpanWriter();
    const provider = new BasicTracerProvider({ spanProcessors: [new RingSpanProcessor(() => writer)] });
    const start = Date.now() - 60_000;
    provider
      .getTracer('a')
      .startSpan('a', { startTime: start })
      .end(start + 10);
    const [record] = read(writer);
    expect(record!.startNs).toBe(BigInt(start) * 1_000_000n);
    expect(record!.endNs - record!.startNs).toBe(10_000_000n);
  });

  it('leaves out what is not sampled, and makes no ring for it', () => {
    const provider = new BasicTracerProvider({
      sampler: new AlwaysOffSampler(),
      spanProcessors: [
        new RingSpanProcessor(() => {
          throw new Error('nothing is written');
        }),
      ],
    });
    context.with(ROOT_CONTEXT, () => provider.getTracer('a').startSpan('a').end());
  });
});
