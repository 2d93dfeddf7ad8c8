import type { TraceSpan } from '../trace-span.js';
import { readOtelConfig } from './otel.config.js';
import { DEFAULT_SPAN_LIMITS, limitSpan, limitUnits, type SpanLimits } from './span-limits.js';

const SPAN: TraceSpan = {
  traceId: '1f'.repeat(16),
  spanId: 'a0'.repeat(8),
  parentSpanId: null,
  traceState: '',
  name: 'a name is no attribute',
  kind: 1,
  startNs: 1n,
  endNs: 2n,
  attributes: { text: 'abcdef', list: ['abcd', 'a'], numbers: [12345, 67890], number: 123456, flag: true },
  events: ['one', 'two', 'three'].map((name) => ({ name, timeNs: 1n, attributes: { a: 'abcd', b: 2 } })),
  links: ['prev', 'kv'].map((kind) => ({ traceId: '1f', spanId: '2f', attributes: { 'link.kind': kind, b: 2 } })),
  droppedEvents: 5,
  droppedLinks: 7,
  status: { code: 2, message: 'a message is none either' },
  scope: 'sliceway',
  resource: { 'service.name': 'test' },
};
const limited = (limits: Partial<SpanLimits>) => limitSpan(SPAN, { ...DEFAULT_SPAN_LIMITS, ...limits });

describe('limitSpan', () => {
  it('leaves a span within limits as it is', () => {
    expect(limited({})).toEqual(SPAN);
    expect(limited({ attributes: 5, events: 3, links: 2, eventAttributes: 2, linkAttributes: 2 })).toEqual(SPAN);
  });

  it('keeps the first attributes, and counts the others', () => {
    const { events, links, ...span } = limited({ attributes: 4, eventAttributes: 1, linkAttributes: 0 });
    expect(Object.keys(span.attributes)).toEqual(['text', 'list', 'numbers', 'number']);
    expect(span.droppedAttributes).toBe(1);
    expect(events.map((event) => [event.attributes, event.droppedAttributes])).toEqual(
      Array(3).fill([{ a: 'abcd' }, 1]),
    );
    expect(links.map((link) => [link.attributes, link.droppedAttributes])).toEqual(Array(2).fill([{}, 2]));
  });

  it('keeps the first events and links, and counts the others with those that were lost before', () => {
    const { events, links, droppedEvents, droppedLinks } = limited({ events: 2, links: 1 });
    expect(events.map(({ name }) => name)).toEqual(['one', 'two']);
    expect(links.map(({ attributes }) => attributes['link.kind'])).toEqual(['prev']);
    expect({ droppedEvents, droppedLinks }).toEqual({ droppedEvents: 6, droppedLinks: 8 });
    expect(limited({ events: 0, links: 0 })).toMatchObject({
      events: [],
      links: [],
      droppedEvents: 8,
      droppedLinks: 9,
    });
  });

  it('cuts texts in attributes of all kinds, and nothing else', () => {
    const { name, status, attributes, events, links, droppedAttributes } = limited({ valueLength: 3 });
    expect(attributes).toEqual({ ...SPAN.attributes, text: 'abc', list: ['abc', 'a'] });
    expect(events[2]!.attributes).toEqual({ a: 'abc', b: 2 });
    expect(links[0]!.attributes).toEqual({ 'link.kind': 'pre', b: 2 });
    expect({ name, status, droppedAttributes }).toEqual({ name: SPAN.name, status: SPAN.status, droppedAttributes: 0 });
    expect(limited({ valueLength: 0 }).attributes).toMatchObject({ text: '', list: ['', ''] });
    expect(limited({ valueLength: 5 }).attributes).toMatchObject({ text: 'abcde' });
    expect(limited({ valueLength: 6 }).attributes).toEqual(SPAN.attributes);
  });
});

it.each([
  ['abc', 2, 'ab'],
  ['a😀😀b', 1, 'a'],
  ['a😀😀b', 2, 'a😀'],
  ['a😀😀b', 3, 'a😀😀'],
  ['a😀😀b', 4, 'a😀😀b'],
  ['\ude00\ud83d\ud83d\ude00', 2, '\ude00\ud83d'],
  ['ab\ud83d', 3, 'ab\ud83d'],
  ['', 0, ''],
])('%j: a pair of surrogates is one of %d characters', (text, most, expected) => {
  expect(
    text.slice(
      0,
      limitUnits((at) => text.charCodeAt(at), text.length, most),
    ),
  ).toBe(expected);
});

describe('the environment', () => {
  const limitsOf = (environment: Record<string, string>): SpanLimits => readOtelConfig(environment).spanLimits;

  it('has a variable for each limit', () => {
    const environment = {
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1',
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '2',
      OTEL_SPAN_EVENT_COUNT_LIMIT: '3',
      OTEL_SPAN_LINK_COUNT_LIMIT: '4',
      OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '5',
      OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '0',
    };
    const expected = { attributes: 1, valueLength: 2, events: 3, links: 4, eventAttributes: 5, linkAttributes: 0 };
    expect(limitsOf(environment)).toEqual(expected);
    const general = { OTEL_ATTRIBUTE_COUNT_LIMIT: '9', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '9' };
    expect(limitsOf({ ...general, ...environment })).toEqual(expected);
  });

  it('has general ones, where there is none or a bad one of its own', () => {
    const general = { OTEL_ATTRIBUTE_COUNT_LIMIT: '9', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10' };
    const expected = { attributes: 9, valueLength: 10, events: 128, links: 128, eventAttributes: 9, linkAttributes: 9 };
    expect(limitsOf(general)).toEqual(expected);
    expect(limitsOf({ ...general, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: 'many' })).toEqual(expected);
  });
});
