import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { SpanStatus, type TraceSpan } from '../trace-span.js';
import { readOtlpJson } from './read-otlp-json.js';
import { sampleTrace } from './sample-trace.fixture.js';
import { TraceFormatError } from './trace-format-error.js';

type ReadableSpan = Parameters<typeof JsonTraceSerializer.serializeRequest>[0][number];

/** As OpenTelemetry's SDK holds it, which its own serializer writes. */
function readable(span: TraceSpan): ReadableSpan {
  const hrTime = (ns: bigint): [number, number] => [Number(ns / 1_000_000_000n), Number(ns % 1_000_000_000n)];
  const context = (traceId: string, spanId: string) => ({ traceId, spanId, traceFlags: 1 });
  return {
    name: span.name,
    kind: span.kind - 1,
    spanContext: () => context(span.traceId, span.spanId),
    parentSpanContext: span.parentSpanId === null ? undefined : context(span.traceId, span.parentSpanId),
    startTime: hrTime(span.startNs),
    endTime: hrTime(span.endNs),
    attributes: span.attributes,
    events: span.events.map(({ name, timeNs, attributes }) => ({ name, time: hrTime(timeNs), attributes })),
    links: span.links.map(({ traceId, spanId, attributes }) => ({ context: context(traceId, spanId), attributes })),
    status: span.status,
    resource: { attributes: span.resource },
    instrumentationScope: { name: span.scope },
    droppedAttributesCount: 0,
    droppedEventsCount: span.droppedEvents,
    droppedLinksCount: span.droppedLinks,
    ended: true,
    duration: [0, 0],
  } as unknown as ReadableSpan;
}

const line = (spans: readonly TraceSpan[]): string =>
  new TextDecoder().decode(JsonTraceSerializer.serializeRequest(spans.map(readable)));
const byId = (spans: readonly TraceSpan[]): TraceSpan[] => [...spans].sort((a, b) => (a.spanId < b.spanId ? -1 : 1));

describe('readOtlpJson', () => {
  it('reads what the SDK writes, on several lines', () => {
    const spans = sampleTrace({ level: 3, aborted: true });
    const text = `${line(spans.slice(0, 9))}\n\n${line(spans.slice(9))}\n`;
    expect(byId(readOtlpJson(text))).toEqual(byId(spans));
  });

  it('reads other spellings of the format: numbers as text, kinds as names, ids in capitals', () => {
    const span = {
      traceId: '4BF92F3577B34DA6A3CE929D0E0E4736',
      spanId: '00f067aa0ba902b7',
      parentSpanId: '',
      name: 'n',
      kind: 'SPAN_KIND_SERVER',
      startTimeUnixNano: '1700000000000000001',
      endTimeUnixNano: '1700000000000000003',
      attributes: [
        { key: 'i', value: { intValue: '42' } },
        { key: 'd', value: { doubleValue: 0.5 } },
        { key: 'b', value: { boolValue: false } },
        { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, { intValue: '2' }] } } },
        { key: 'none', value: { arrayValue: {} } },
        { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { stringValue: 'v' } }] } } },
        { key: 'empty', value: {} },
      ],
      status: { code: 'STATUS_CODE_ERROR', message: 'why' },
    };
    const text = JSON.stringify({ resourceSpans: [{ resource: {}, scopeSpans: [{ scope: {}, spans: [span] }] }] });
    expect(readOtlpJson(text)).toEqual([
      {
        traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
        spanId: '00f067aa0ba902b7',
        parentSpanId: null,
        traceState: '',
        name: 'n',
        kind: 2,
        startNs: 1700000000000000001n,
        endNs: 1700000000000000003n,
        attributes: { i: 42, d: 0.5, b: false, list: [1, 2], none: [], map: '{"k":"v"}', empty: '' },
        events: [],
        links: [],
        droppedEvents: 0,
        droppedLinks: 0,
        status: { code: SpanStatus.error, message: 'why' },
        scope: '',
        resource: {},
      },
    ]);
  });

  it('passes over a last line that is broken off, at every place', () => {
    const spans = sampleTrace();
    const [first, last] = [line(spans.slice(0, 5)), line(spans.slice(5, 7))];
    for (const length of [1, 20, Math.floor(last.length / 2), last.length - 1]) {
      expect(readOtlpJson(`${first}\n${last.slice(0, length)}`)).toHaveLength(5);
    }
    expect(readOtlpJson(`${first}\n${last}`)).toHaveLength(7);
  });

  it('names another line that cannot be read', () => {
    const good = line(sampleTrace());
    const read = () => readOtlpJson(`${good}\n{"resourceSp\n${good}\n`);
    expect(read).toThrow(TraceFormatError);
    expect(read).toThrow('line 2 is no OTLP JSON');
  });

  it.each(['', '\n\n', '{}', 'null', '{"resourceLogs":[]}', '{"resourceSpans":[]}'])('finds nothing in %j', (text) => {
    expect(readOtlpJson(text)).toEqual([]);
  });
});
