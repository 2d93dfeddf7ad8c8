import { decodeTraceRequest } from '@sliceway/testing';
import { encodeOtlpJson } from '@sliceway/tracing/internal/export/otlp-json.js';
import { OtlpBatch } from '@sliceway/tracing/internal/export/otlp-batch.js';
import { readSpan } from '@sliceway/tracing/internal/recording/read-span.js';
import { RingReader } from '@sliceway/tracing/internal/recording/ring-reader.js';
import { SharedControl } from '@sliceway/tracing/internal/recording/shared-control.js';
import { type SpanRecipe, writeSpan } from './span-recipe.fixture.js';

const MAX = 128;
const control = new SharedControl(new SharedArrayBuffer(64 + 4096 * 16));
const many = (count: number, value: string | number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key ${i}`, value]));
const SPAN: SpanRecipe = {
  traceId: '1f'.repeat(16),
  spanId: 'a0'.repeat(8),
  name: 'own',
  kind: 1,
  startTs: 1,
  endTs: 2,
  attributes: many(MAX + 2, 1),
  events: [{ name: 'event', ts: 1, attributes: many(MAX + 1, 1) }],
  links: [{ traceId: '1f'.repeat(16), spanId: 'b0'.repeat(8), attributes: many(MAX + 3, 1) }],
};

beforeAll(() => control.addEpoch(1_790_000_000_123_456_789n));

/** A span as OTLP's two encodings have it. */
function exported(recipe: SpanRecipe) {
  const ring = new RingReader(writeSpan([recipe], control.epoch));
  const batch = new OtlpBatch(control, {}, null);
  let json: unknown;
  ring.drain((raw) => {
    json = JSON.parse(encodeOtlpJson([readSpan(ring, raw, control, {})], {}));
    return false;
  });
  ring.drainRecords((word) => {
    batch.add(ring, word);
    return true;
  });
  return [decodeTraceRequest(batch.take()), json].map((request) => {
    const { scopeSpans } = (request as { resourceSpans: { scopeSpans: { spans: Counted[] }[] }[] }).resourceSpans[0]!;
    return scopeSpans[0]!.spans[0]!;
  });
}

interface Counted {
  readonly attributes: readonly unknown[];
  readonly droppedAttributesCount?: number;
  readonly events: readonly Counted[];
  readonly links: readonly Counted[];
}

const counts = ({ attributes, droppedAttributesCount = 0 }: Counted) => [attributes.length, droppedAttributesCount];

it('attributes that a record has no place for are counted where they are missed', () => {
  for (const span of exported(SPAN)) {
    expect(counts(span)).toEqual([MAX, 2]);
    expect(counts(span.events[0]!)).toEqual([MAX, 1]);
    expect(counts(span.links[0]!)).toEqual([MAX, 3]);
  }
});

it('so are those that are too long for it', () => {
  for (const span of exported({ ...SPAN, attributes: many(100, 'x'.repeat(1024)), events: [], links: [] })) {
    const [kept, dropped] = counts(span);
    expect(kept! + dropped!).toBe(100);
    expect(dropped).toBeGreaterThan(0);
  }
});
