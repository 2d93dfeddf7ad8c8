import { SAMPLE_RID } from '@sliceway/tracing/testing';
import { type Broken, itRefuses, leave, on, PARENT, the, valid } from './broken-trace.fixture.js';
import { TraceRule } from './trace-fault.js';
import { validateTrace } from './trace-validator.js';

itRefuses([
  [
    'another root',
    TraceRule.oneTree,
    /2 roots/,
    (spans) => [...spans, { ...the(spans, 'POST'), spanId: 'e'.repeat(16) }],
  ],
  ['a span twice', TraceRule.oneTree, /one id/, (spans) => [...spans, { ...the(spans, 'receive') }]],
  [
    'a span of another trace',
    TraceRule.oneTree,
    /another trace/,
    (spans) => [...spans, { ...the(spans, 'POST'), traceId: 'd'.repeat(32), spanId: 'e'.repeat(16) }],
  ],
  [
    'a request that no tokenizer served',
    TraceRule.oneTree,
    /no request span of tokenizer/,
    (spans) => spans.filter(({ resource }) => resource['service.name'] !== 'sliceway-tokenizer'),
  ],
  [
    'two requests',
    TraceRule.oneTree,
    /2 requests/,
    on(/^decode Req/, (span) => {
      span.attributes['rid'] = 'ffffffff00';
      span.name = 'decode Req ffffffff';
    }),
  ],
  ['a lost thread span', TraceRule.parent, /parent .* is missing/, (spans) => leave(spans, the(spans, /^kv_sender/))],
  [
    'a root without the parent that came in',
    TraceRule.parent,
    /came in/,
    on('POST', (span) => (span.parentSpanId = null)),
  ],
  [
    'a thread under a room',
    TraceRule.place,
    /does not belong under/,
    (spans) => {
      the(spans, /^kv_sender/).parentSpanId = the(spans, /^Bootstrap/).spanId;
    },
  ],
  [
    'a batch step with a parent',
    TraceRule.place,
    /root of its own/,
    on('batch_step', (span) => (span.parentSpanId = 'e'.repeat(16))),
  ],
  [
    'a nested slice that outlasts its parent',
    TraceRule.nesting,
    /not within tokenize/,
    on('chat_template', (span) => (span.endNs += 10_000_000n)),
    { level: 3 },
  ],
  [
    'a thread that outlasts its request',
    TraceRule.nesting,
    /not within prefill Req/,
    on(/^prefill Req/, (span) => (span.endNs -= 1n)),
  ],
]);

describe('two requests in one trace, as an HTTP request with two prompts makes them', () => {
  const OTHER_RID = 'ffeeddccbbaa99887766554433221100';

  /** The same request once more, beside itself under the HTTP span and in the same batch steps. */
  function two(): Broken[] {
    const spans = valid();
    const steps = spans.filter(({ name }) => name === 'batch_step');
    const copies = structuredClone(spans.filter(({ name }) => name !== 'POST' && name !== 'batch_step'));
    const own = new Set(copies.map(({ spanId }) => spanId));
    const idOf = (spanId: string): string => (own.has(spanId) ? spanId.replace(/^../, 'fe') : spanId);
    for (const span of copies) {
      span.spanId = idOf(span.spanId);
      span.parentSpanId = idOf(span.parentSpanId!);
      span.links = span.links.map((link) => ({ ...link, spanId: idOf(link.spanId) }));
      if (span.attributes['rid'] !== undefined) span.attributes['rid'] = OTHER_RID;
      span.name = span.name.replace(/ Req .*/, ` Req ${OTHER_RID.slice(0, 8)}`);
    }
    for (const step of steps) step.links = step.links.flatMap((link) => [link, { ...link, spanId: idOf(link.spanId) }]);
    return [...spans, ...copies];
  }

  it.each([SAMPLE_RID, OTHER_RID])('are valid one by one: %s', (rid) => {
    expect(validateTrace(two(), { ...PARENT, rid })).toEqual([]);
  });

  it('are faults of the one that has them, only', () => {
    const spans = two();
    the(spans, 'receive', 1).endNs -= 1n;
    expect(validateTrace(spans, { ...PARENT, rid: SAMPLE_RID })).toEqual([]);
    expect(validateTrace(spans, { ...PARENT, rid: OTHER_RID })).toMatchObject([{ rule: TraceRule.tiling }]);
  });

  it('are not one request, and none is a third one', () => {
    expect(validateTrace(two(), PARENT)).toMatchObject([
      { message: 'it holds 2 requests' },
      { message: '1 attempts have no retry_of link' },
      { rule: TraceRule.link },
    ]);
    expect(validateTrace(two(), { ...PARENT, rid: 'a' })).toMatchObject([{ rule: TraceRule.oneTree }]);
  });
});
