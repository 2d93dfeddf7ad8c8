import { createTraceState, ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { decodeTraceRequest, mulberry32, type OtlpTraceRequest } from '@sliceway/testing';
import type { TraceAttributes } from '@sliceway/tracing';
import { encodeOtlpJson } from '@sliceway/tracing/internal/export/otlp-json.js';
import { OtlpBatch } from '@sliceway/tracing/internal/export/otlp-batch.js';
import { DEFAULT_SPAN_LIMITS, type SpanLimits } from '@sliceway/tracing/internal/export/span-limits.js';
import { VERSION } from '@sliceway/tracing/internal/export/version.js';
import { RingReader } from '@sliceway/tracing/internal/recording/ring-reader.js';
import { readSpan } from '@sliceway/tracing/internal/recording/read-span.js';
import { SharedControl } from '@sliceway/tracing/internal/recording/shared-control.js';
import { SpanWriter } from '@sliceway/tracing/internal/recording/span-writer.js';
import { type SpanRecipe, writeSpan } from './span-recipe.fixture.js';

/** The ends of int64, and what is beyond it. */
const BOUNDS = [-(2 ** 63), 2 ** 63 - 1024, 2 ** 63, -(2 ** 63) - 2048, 1e300];
const RESOURCE = {
  'service.name': 'sliceway-test',
  bounds: BOUNDS,
  'process.pid': 12,
  'host.ratio': 0.5,
  flags: [true],
  list: ['a', 'é'],
};
const control = new SharedControl(new SharedArrayBuffer(64 + 4096 * 16));
const NS = 1_000_000_000n;

/** Bytes as our encoder makes them of records. */
function ours(recipes: readonly SpanRecipe[], limits?: SpanLimits): Uint8Array {
  const { ring, drain } = ringOf(recipes);
  const batch = new OtlpBatch(control, RESOURCE as unknown as TraceAttributes, null, limits);
  drain((word) => batch.add(ring, word));
  return batch.take();
}

function ringOf(recipes: readonly SpanRecipe[]): { ring: RingReader; drain: (take: (word: number) => void) => void } {
  const buffer = writeSpan(recipes, control.epoch);
  const ring = new RingReader(buffer);
  return {
    ring,
    drain: (take) => {
      const taken = ring.drainRecords((word) => {
        take(word);
        return true;
      });
      expect(taken).toBe(recipes.length);
    },
  };
}

/** The same spans made by OpenTelemetry's SDK and written by its serializer. */
function sdks(recipes: readonly SpanRecipe[]): Uint8Array {
  const exporter = new InMemorySpanExporter();
  let next: SpanRecipe;
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes(RESOURCE as never),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    idGenerator: { generateTraceId: () => next.traceId, generateSpanId: () => next.spanId },
    spanLimits: { eventCountLimit: 100_000, linkCountLimit: 100_000, attributeCountLimit: 100_000 },
  });
  for (const recipe of recipes) {
    next = recipe;
    const { traceId, parentSpanId, traceState, previous, name, kind } = recipe;
    const parent = {
      traceId,
      spanId: parentSpanId!,
      traceFlags: TraceFlags.SAMPLED,
      ...(traceState === undefined ? {} : { traceState: createTraceState(traceState) }),
    };
    const previousLink = {
      context: { traceId, spanId: previous!, traceFlags: 1 },
      attributes: { 'link.kind': 'prev' },
    };
    const span = provider
      .getTracer(recipe.scope ?? 'sliceway', recipe.scope === undefined ? VERSION : undefined)
      .startSpan(
        name,
        {
          kind: kind - 1,
          startTime: hrTime(recipe.startTs),
          attributes: recipe.attributes as never,
          links: [
            ...(previous === undefined ? [] : [previousLink]),
            ...recipe.links.map((link) => ({
              context: { ...link, traceFlags: 1 },
              attributes: link.attributes as never,
            })),
            ...(recipe.members ?? []).map((member) => ({
              context: { ...member, traceFlags: 1 },
              attributes: { 'link.kind': 'batch' },
            })),
          ],
        },
        parentSpanId === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
      );
    for (const event of recipe.events) span.addEvent(event.name, event.attributes as never, hrTime(event.ts));
    const { status, statusMessage } = recipe;
    if (status === SpanStatusCode.ERROR)
      span.setStatus({ code: status, ...(statusMessage && { message: statusMessage }) });
    span.end(hrTime(recipe.endTs));
  }
  return ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans())!;
}

function hrTime(ts: number): [number, number] {
  const ns = control.toEpochNs(ts, control.epoch);
  return [Number(ns / NS), Number(ns % NS)];
}

/** What differs by design: the SDK says of each context whether it is remote, and gives links' flags. */
function comparable(bytes: Uint8Array): OtlpTraceRequest {
  const request = decodeTraceRequest(bytes) as never as {
    resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[];
  };
  for (const { scopeSpans } of request.resourceSpans) {
    for (const { spans } of scopeSpans) {
      for (const span of spans) {
        span['flags'] = (span['flags'] as number) & 0xff;
        span['links'] = (span['links'] as object[]).map((link) => ({ ...link, flags: 0 }));
      }
    }
  }
  return request as never;
}

function expectSame(recipes: readonly SpanRecipe[], limits?: SpanLimits): void {
  expect(comparable(ours(recipes, limits))).toEqual(comparable(sdks(recipes)));
}

const hex = (byte: string, bytes: number): string => byte.repeat(bytes);
const PLAIN: SpanRecipe = {
  traceId: hex('1f', 16),
  spanId: hex('a0', 8),
  name: 'decode_forward',
  kind: 1,
  startTs: 1,
  endTs: 2,
  attributes: {},
  events: [],
  links: [],
};

beforeAll(() => control.addEpoch(1_790_000_000_123_456_789n));

it('a plain span', () => expectSame([PLAIN]));

it('a span with all that there is', () =>
  expectSame([
    {
      ...PLAIN,
      parentSpanId: hex('b1', 8),
      previous: hex('c2', 8),
      traceState: 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
      kind: 2,
      status: SpanStatusCode.ERROR,
      statusMessage: 'worker lost: decode-1',
      startTs: 123_456_789_012,
      endTs: 123_456_789_999,
      attributes: {
        tokens: 3,
        ratio: 0.25,
        isFirst: true,
        isLast: false,
        name: 'x',
        itl: [1, 2.5, -3],
        ids: ['a', '', 'ü'],
      },
      events: [
        { name: 'schedule', ts: 123_456_789_100, attributes: { bid: 7, forward_mode: 'decode' } },
        { name: 'retract', ts: 123_456_789_200, attributes: {} },
      ],
      links: [
        { traceId: hex('d3', 16), spanId: hex('e4', 8), attributes: { 'link.kind': 'batch' } },
        { traceId: hex('1f', 16), spanId: hex('f5', 8), attributes: {} },
      ],
    },
  ]));

it.each([1, 2, 3, 4, 5])('kind %d', (kind) => expectSame([{ ...PLAIN, kind }]));

it('an error without a message', () => expectSame([{ ...PLAIN, status: SpanStatusCode.ERROR }]));

it.each([
  0,
  1,
  -1,
  127,
  128,
  -128,
  16_383,
  16_384,
  2 ** 31 - 2,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  -(2 ** 31),
  -(2 ** 32),
  2 ** 53,
  -(2 ** 53),
  2 ** 62,
  -(2 ** 63),
  2 ** 63,
  -(2 ** 63) - 2048,
  1e300,
  0.1,
  -0.5,
  Number.MIN_VALUE,
  NaN,
  Infinity,
  -Infinity,
  -0,
])('number %d', (value) => expectSame([{ ...PLAIN, attributes: { value, list: [value, value] } }]));

it.each([
  '',
  'a',
  'a'.repeat(127),
  'a'.repeat(128),
  'a'.repeat(1024),
  'é'.repeat(64),
  'é'.repeat(1024),
  '€uro',
  '𝒜 and 🦊',
  '🦊'.repeat(500),
  '\u0000\u007f\u0080\u07ff\u0800\uffff',
  'lone \ud800',
  '\udc00 lone',
  '\ud800\ud800\udc00',
  '\udc00\ud800',
])('text %j as value, key, name, event, status message', (text) =>
  expectSame([
    {
      ...PLAIN,
      name: text,
      status: SpanStatusCode.ERROR,
      statusMessage: text,
      attributes: { value: text, list: [text, text], [`key ${text.slice(0, 1000)}`]: 1 },
      events: [{ name: text, ts: 1, attributes: { [`k${text.slice(0, 1000)}`]: text } }],
      links: [{ traceId: hex('d3', 16), spanId: hex('e4', 8), attributes: { text } }],
    },
  ]),
);

it('names that a ring spelled out the first time and numbers later', () =>
  expectSame(
    [1, 2, 3].map((i) => ({
      ...PLAIN,
      attributes: { one: i },
      events: [{ name: 'event', ts: i, attributes: { two: i } }],
    })),
  ));

it('several scopes', () =>
  expectSame([
    { ...PLAIN, scope: '@opentelemetry/instrumentation-http' },
    { ...PLAIN, name: 'GET', scope: '@opentelemetry/instrumentation-http' },
  ]));

it('our scope and others, by name', () => {
  const { resourceSpans } = decodeTraceRequest(ours([PLAIN, { ...PLAIN, scope: 'http' }, PLAIN]));
  const scopes = resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.map(({ scope, spans }) => [scope?.name, scope?.version, spans.length]),
  );
  expect(scopes).toEqual([
    ['sliceway', VERSION, 2],
    ['http', '', 1],
  ]);
});

describe('a record with more events and links than OpenTelemetry allows by default', () => {
  const large: SpanRecipe = {
    ...PLAIN,
    previous: hex('c2', 8),
    events: Array.from({ length: 300 }, (_, i) => ({ name: `event ${i % 7}`, ts: i, attributes: { i } })),
    links: Array.from({ length: 200 }, (_, i) => ({
      traceId: hex('d3', 16),
      spanId: hex('e4', 8),
      attributes: { i },
    })),
  };

  it('has all of them where the limits are higher', () =>
    expectSame([large], { ...DEFAULT_SPAN_LIMITS, events: 300, links: 201 }));

  it('has the first 128 by default', () => {
    const cut = { ...large, events: large.events.slice(0, 128), links: large.links.slice(0, 127) };
    const dropped = { droppedEvents: 172, droppedLinks: 73 };
    expect(comparable(ours([large]))).toEqual(comparable(ours([{ ...cut, ...dropped }])));
  });
});

describe('batch steps with the same members', () => {
  const members = ['d3', 'e4', 'f5'].map((byte) => ({ traceId: hex(byte, 16), spanId: hex(byte, 8) }));
  const steps = (count: number): SpanRecipe[] => Array.from({ length: count }, () => ({ ...PLAIN, members }));

  it('link to all of them, however many steps there are', () => expectSame(steps(250)));

  it('count them as dropped where the reader has missed them, until they are written again', () => {
    const writer = new SpanWriter();
    const buffer = writeSpan(steps(250), control.epoch, writer);
    const missing = new RingReader(buffer);
    let left = 1;
    missing.drainRecords(() => left-- > 0);
    const late = new RingReader(buffer, missing.names);
    const batch = new OtlpBatch(control, {});
    const counts: number[][] = [];
    late.drainRecords((word) => {
      batch.add(late, word);
      const span = readSpan(late, late.span(word), control, {});
      counts.push([span.links.length, span.droppedLinks]);
      return true;
    });
    expect(counts).toEqual(Array.from({ length: 249 }, (_, i) => (i < 99 ? [0, 3] : [3, 0])));
    const { spans } = decodeTraceRequest(batch.take()).resourceSpans[0]!.scopeSpans[0]!;
    expect(spans.map(({ links, droppedLinksCount }) => [links!.length, droppedLinksCount])).toEqual(counts);
  });
});

it('dropped events and links are counted', () => {
  const span = decodeTraceRequest(ours([{ ...PLAIN, droppedEvents: 300, droppedLinks: 7 }])).resourceSpans[0]!
    .scopeSpans[0]!.spans[0]!;
  expect(span).toMatchObject({ droppedEventsCount: 300, droppedLinksCount: 7, flags: 1 });
});

it('times over all of the range', () => {
  const base = { ...PLAIN, startTs: 0, events: [{ name: 'e', ts: 2 ** 52, attributes: {} }] };
  expectSame(
    [0, 1, 543_210, 876_543_211, 876_543_210, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 1, 2 ** 53 - 2 ** 31].map((endTs) => ({
      ...base,
      endTs,
    })),
  );
  control.addEpoch(4_300_000_000_999_999_999n);
  expectSame([0, 1, 2 ** 32, 9_000_000_000_000_000].map((endTs) => ({ ...base, endTs })));
  control.addEpoch(1_790_000_000_123_456_789n);
});

it('a span older than the first estimate of the origin has the newest one', () => {
  const buffer = writeSpan([PLAIN], 4000);
  const ring = new RingReader(buffer);
  const batch = new OtlpBatch(control, {});
  ring.drainRecords((word) => {
    batch.add(ring, word);
    return true;
  });
  const [span] = decodeTraceRequest(batch.take()).resourceSpans[0]!.scopeSpans[0]!.spans;
  expect(span!.startTimeUnixNano).toBe('1790000000123456790');
});

it('random spans, many in a batch, and the batch after it', () => {
  const random = mulberry32(7);
  const integer = (end: number): number => Math.floor(random() * end);
  const id = (bytes: number): string =>
    Array.from({ length: bytes }, () => (1 + integer(255)).toString(16).padStart(2, '0')).join('');
  const text = (): string =>
    Array.from({ length: integer(40) }, () =>
      String.fromCharCode(integer(5) === 0 ? integer(65_536) : 32 + integer(95)),
    ).join('');
  const value = (): TraceAttributes[string] =>
    [
      () => integer(1e6),
      () => random() * 1e9,
      text,
      () => random() < 0.5,
      () => [1, 2.5, integer(9)],
      () => [text(), text()],
    ][integer(6)]!();
  const attributes = (): TraceAttributes =>
    Object.fromEntries(Array.from({ length: integer(6) }, (_, i) => [`key.${i}.${integer(20)}`, value()]));
  const newMembers = (): NonNullable<SpanRecipe['members']> =>
    Array.from({ length: 1 + integer(64) }, () => ({ traceId: id(16), spanId: id(8) }));
  let members = newMembers();
  const batch = (): Pick<SpanRecipe, 'members'> => {
    if (random() < 0.6) return {};
    if (random() < 0.5) members = newMembers();
    return { members };
  };
  const recipe = (): SpanRecipe => ({
    ...batch(),
    traceId: id(16),
    spanId: id(8),
    ...(random() < 0.8 ? { parentSpanId: id(8) } : {}),
    ...(random() < 0.5 ? { previous: id(8) } : {}),
    name: `name ${integer(9)}`,
    kind: 1 + integer(5),
    startTs: integer(2 ** 50),
    endTs: 2 ** 50 + integer(2 ** 50),
    attributes: attributes(),
    events: Array.from({ length: integer(4) }, () => ({
      name: `e${integer(9)}`,
      ts: integer(2 ** 50),
      attributes: attributes(),
    })),
    links: Array.from({ length: integer(3) }, () => ({ traceId: id(16), spanId: id(8), attributes: attributes() })),
  });
  for (const count of [1, 200, 5]) expectSame(Array.from({ length: count }, recipe));
});

it('the JSON says the same as the protobuf', () => {
  const recipes = [
    {
      ...PLAIN,
      parentSpanId: hex('b1', 8),
      previous: hex('c2', 8),
      attributes: { i: 3, d: 0.5, t: 'ü', l: [1, 2.5], b: true, bounds: BOUNDS },
    },
  ];
  const { ring, drain } = ringOf(recipes);
  const spans: ReturnType<typeof readSpan>[] = [];
  drain((word) => spans.push(readSpan(ring, ring.span(word), control, RESOURCE as never)));
  const json = JSON.parse(encodeOtlpJson(spans, RESOURCE as never)) as Record<string, unknown>;
  const binary = decodeTraceRequest(ours(recipes));
  const plain = JSON.parse(JSON.stringify(binary, (_, value: unknown) => bufferToHex(value))) as Record<
    string,
    unknown
  >;
  expect(plain).toMatchObject(json);
});

/** JSON.stringify has made an object of a Buffer before it asks. */
function bufferToHex(value: unknown): unknown {
  const { type, data } = (value ?? {}) as { type?: string; data?: number[] };
  return type === 'Buffer' ? Buffer.from(data!).toString('hex') : value;
}
