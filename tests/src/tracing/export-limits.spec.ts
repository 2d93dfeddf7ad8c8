import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeTraceRequest, mulberry32, type OtlpSpan, startOtlpReceiver } from '@sliceway/testing';
import type { TraceAttributes } from '@sliceway/tracing';
import { OtlpBatch } from '@sliceway/tracing/internal/export/otlp-batch.js';
import { encodeOtlpJson } from '@sliceway/tracing/internal/export/otlp-json.js';
import { withFurtherNames } from '@sliceway/tracing/internal/export/further-names.js';
import { limitSpan, type SpanLimits } from '@sliceway/tracing/internal/export/span-limits.js';
import { readSpan } from '@sliceway/tracing/internal/recording/read-span.js';
import { RingReader } from '@sliceway/tracing/internal/recording/ring-reader.js';
import { SharedControl } from '@sliceway/tracing/internal/recording/shared-control.js';
import { Exporting, otlpTo, PROTOCOLS } from './exporting.fixture.js';
import { type SpanRecipe, writeSpan } from './span-recipe.fixture.js';

const attributes: TraceAttributes = { text: 'äbcdef', list: ['abcd', '😀😀😀😀'], number: 12345, flag: true };
const SPAN: SpanRecipe = {
  traceId: '1f'.repeat(16),
  spanId: 'a0'.repeat(8),
  previous: 'c2'.repeat(8),
  name: 'decode_forward',
  kind: 1,
  startTs: 1,
  endTs: 2,
  attributes,
  events: ['one', 'two', 'three'].map((name) => ({ name, ts: 1, attributes })),
  links: ['d3', 'e4'].map((byte) => ({ traceId: byte.repeat(16), spanId: byte.repeat(8), attributes })),
  droppedEvents: 5,
  droppedLinks: 7,
};
const ENVIRONMENT = {
  OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '3',
  OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '3',
  OTEL_SPAN_EVENT_COUNT_LIMIT: '2',
  OTEL_SPAN_LINK_COUNT_LIMIT: '2',
  OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '2',
  OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '1',
};
const text = { key: 'text', value: { stringValue: 'äbc' } };
const list = { key: 'list', value: { arrayValue: { values: [{ stringValue: 'abc' }, { stringValue: '😀😀😀' }] } } };
const number = { key: 'number', value: { intValue: '12345' } };
/** As OTLP has it, within the limits of the environment. */
const LIMITED = {
  attributes: [text, list, number],
  droppedAttributesCount: 1,
  events: ['one', 'two'].map((name) => ({ name, attributes: [text, list], droppedAttributesCount: 2 })),
  droppedEventsCount: 6,
  links: [
    { attributes: [{ key: 'link.kind', value: { stringValue: 'pre' } }] },
    { attributes: [text], droppedAttributesCount: 3 },
  ],
  droppedLinksCount: 8,
};

describe('limits of the environment', () => {
  let exporting: Exporting;
  beforeEach(() => (exporting = new Exporting()));
  afterEach(() => exporting.close());

  async function exportTo(environment: Record<string, string>): Promise<void> {
    const exporter = exporting.start({ ...ENVIRONMENT, ...environment });
    exporter.addRing(writeSpan([SPAN, SPAN], SharedControl.ofProcess().epoch));
    expect(await exporter.flush()).toBe(true);
  }

  it.each(PROTOCOLS)('over OTLP (%s)', async (protocol) => {
    const receiver = await startOtlpReceiver();
    try {
      await exportTo(otlpTo(receiver, protocol));
      const { spans } = decodeTraceRequest(receiver.bodies[0]!).resourceSpans[0]!.scopeSpans[0]!;
      expect(spans).toMatchObject([LIMITED, LIMITED]);
    } finally {
      await receiver.close();
    }
  });

  it('in files', async () => {
    await exportTo({ SLICEWAY_TRACE_DIRECTORY: exporting.directory });
    const [file] = readdirSync(exporting.directory);
    const { resourceSpans } = JSON.parse(readFileSync(join(exporting.directory, file!), 'utf8')) as {
      resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[];
    };
    expect(resourceSpans[0]!.scopeSpans[0]!.spans).toMatchObject([LIMITED, LIMITED]);
  });

  it.each(['SLICEWAY_TRACE_EXPORTER', 'SLICEWAY_TRACE_PROCESSOR'])('in a module of %s', async (variable) => {
    const said = join(exporting.directory, 'said');
    const path = join(exporting.directory, 'mine.mjs');
    writeFileSync(
      path,
      `import { appendFileSync } from 'node:fs';
      const say = ({ resource, ...span }) => appendFileSync(${JSON.stringify(said)}, JSON.stringify(span) + '\\n');
      export class Mine {
        export(spans, done) { spans.forEach(say); done({ code: 0 }); }
        onEnd(span) { say(span); }
        async forceFlush() {}
        async shutdown() {}
      }`,
    );
    await exportTo({ [variable]: path });
    const cut = { text: 'äbc', list: ['abc', '😀😀😀'] };
    expect(JSON.parse(readFileSync(said, 'utf8').split('\n')[0]!)).toMatchObject({
      attributes: { ...cut, number: 12345 },
      droppedAttributesCount: 1,
      events: ['one', 'two'].map((name) => ({ name, attributes: cut, droppedAttributesCount: 2 })),
      droppedEventsCount: 6,
      links: [
        { attributes: { 'link.kind': 'pre' }, droppedAttributesCount: 0 },
        { attributes: { text: 'äbc' }, droppedAttributesCount: 3 },
      ],
      droppedLinksCount: 8,
    });
  });
});

describe('the records and the objects are cut alike', () => {
  const control = new SharedControl(new SharedArrayBuffer(64 + 4096 * 16));
  beforeAll(() => control.addEpoch(1_790_000_000_123_456_789n));

  /** Of `attributes`, in the midst of them: what is counted has to do with where it stands. */
  const names = { list: 'their.list', number: 'their.number' };

  function expectAlike(limits: SpanLimits, further: typeof names | null, recipe: SpanRecipe = SPAN): void {
    const ring = new RingReader(writeSpan([recipe, recipe], control.epoch));
    const batch = new OtlpBatch(control, {}, further, limits);
    const objects: ReturnType<typeof limitSpan>[] = [];
    ring.drainRecords((word) => {
      batch.add(ring, word);
      const span = readSpan(ring, ring.span(word), control, {});
      const named = further === null ? span.attributes : withFurtherNames(span.attributes, further);
      objects.push(limitSpan({ ...span, attributes: named }, limits));
      return true;
    });
    // JSON leaves a count of none out.
    const json = JSON.parse(encodeOtlpJson(objects, {}), (_, value: unknown) =>
      value !== null && typeof value === 'object' && 'attributes' in value
        ? { droppedAttributesCount: 0, ...value }
        : value,
    ) as object;
    const binary = JSON.parse(JSON.stringify(decodeTraceRequest(batch.take())), (_, value: unknown) =>
      value !== null && typeof value === 'object' && 'data' in value
        ? Buffer.from(value.data as number[]).toString('hex')
        : value,
    ) as object;
    expect(binary).toMatchObject(json);
  }

  const members = ['f5', 'f6', 'f7'].map((byte) => ({ traceId: byte.repeat(16), spanId: byte.repeat(8) }));

  it('each limit from 0 to none', () => {
    const none = { attributes: 9, valueLength: 9, events: 9, links: 9, eventAttributes: 9, linkAttributes: 9 };
    for (const name of Object.keys(none) as (keyof SpanLimits)[]) {
      for (let limit = 0; limit < 9; limit++) {
        for (const further of [null, names]) {
          for (const recipe of [SPAN, { ...SPAN, members }]) expectAlike({ ...none, [name]: limit }, further, recipe);
        }
      }
    }
  });

  it('all limits at once, and names that are new to the reader', () => {
    const random = mulberry32(11);
    const most = (): number => Math.floor(random() * 7);
    for (let i = 0; i < 200; i++) {
      const key = `new ${i}`;
      const recipe = { ...SPAN, members, name: key, attributes: { [key]: key, ...attributes } };
      const limits = {
        attributes: most(),
        valueLength: most(),
        events: most(),
        links: most(),
        eventAttributes: most(),
        linkAttributes: most(),
      };
      expectAlike(limits, random() < 0.5 ? names : null, recipe);
    }
  });
});
