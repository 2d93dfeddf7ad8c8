import { criticalPath, EventName, resumeRequest, SliceName, startRequest, type TraceLevel } from '@sliceway/tracing';
import { control, recordAll, recorded, type SampleOptions, sampleTrace } from '@sliceway/tracing/testing';
import { type Broken, itRefuses, killed, leave, on, PARENT, the, valid } from './broken-trace.fixture.js';
import { TraceRule } from './trace-fault.js';
import { validateTrace } from './trace-validator.js';

/** What the exporter adds to each span. */
const RESOURCE = { 'service.name': 'sliceway-gateway', 'service.instance.id': '0000000a', 'host.name': 'one' };

describe('a valid trace has no faults', () => {
  const shapes: [string, SampleOptions][] = [
    ['a stream', {}],
    ['three choices', { choices: 3 }],
    ['a retry', { retry: true }],
    ['an abort', { aborted: true }],
    ['a first token that is the last', { quick: true }],
    ['two hosts whose clocks differ', { hosts: { decode: 'ffeeddcc' }, skewNs: { decode: -3_000_000n } }],
  ];
  const levels: TraceLevel[] = [1, 2, 3];
  it.each(shapes.flatMap(([name, options]) => levels.map((level) => [name, level, options] as const)))(
    '%s at level %d',
    (_, level, options) => {
      const underParent = options.retry === true ? killed('decode') : PARENT;
      const { parent: _parent, ...alone } = underParent;
      expect(validateTrace(sampleTrace({ ...options, level }), underParent)).toEqual([]);
      expect(validateTrace(sampleTrace({ ...options, level, http: false }), { level, ...alone })).toEqual([]);
    },
  );

  it('as the recorder writes it', () => {
    recordAll();
    recorded();
    const rid = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
    const gateway = startRequest({ rid, role: 'gateway', bootstrapRoom: '0123456789abcdef', ts: 100 });
    gateway.setRequestAttributes({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'tiny' });
    gateway.slice(SliceName.receive, 100, 200);
    gateway.slice(SliceName.admission, 200, 200);
    gateway.sliceStart(SliceName.tokenizeWait, { ts: 200 });
    const headers = new Map<string, string>();
    gateway.inject(headers);
    const tokenizer = resumeRequest(headers, { rid, role: 'tokenizer', ts: 250 });
    tokenizer.sliceStart(SliceName.tokenize, { ts: 250 });
    tokenizer.slice(SliceName.chatTemplate, 260, 270);
    tokenizer.sliceEnd(SliceName.tokenize, { ts: 300, threadFinish: true });
    tokenizer.finish({ ts: 300 });
    gateway.sliceEnd(SliceName.tokenizeWait, { ts: 400 });
    gateway.abort('client_disconnected', { ts: 400 });
    control.enabled = false;
    const spans = recorded().map((span) => ({ ...span, resource: RESOURCE }));
    expect(spans).toHaveLength(10);
    expect(validateTrace(spans, { roles: ['tokenizer'] })).toEqual([]);
    expect(criticalPath(spans)).toMatchObject({ ttftNs: null, e2eNs: 300n, unattributedNs: 0n });
  });
});

itRefuses([
  [
    'an end before the start',
    TraceRule.time,
    /before it begins/,
    on('batch_step', (span) => (span.endNs = span.startNs - 1n)),
  ],
  ['no start', TraceRule.time, /no start/, on('batch_step', (span) => (span.startNs = 0n))],
  [
    'an event outside',
    TraceRule.time,
    /event last_text/,
    on('stream', (span) => {
      span.events = span.events.map((event) => ({ ...event, timeNs: span.endNs + 1n }));
    }),
  ],
  [
    '129 events',
    TraceRule.limit,
    /129 events/,
    on('stream', (span) => {
      span.events = Array.from({ length: 129 }, () => ({
        name: EventName.lastText,
        timeNs: span.startNs,
        attributes: {},
      }));
    }),
  ],
  [
    '129 links',
    TraceRule.limit,
    /129 links/,
    on('batch_step', (span) => (span.links = Array.from({ length: 129 }, () => span.links[0]!))),
  ],
]);

it('refuses nothing at all', () => {
  expect(validateTrace([]).map(({ message }) => message)).toEqual(['there are no spans']);
});

describe('a killed process', () => {
  const KILLED = /^(prefill Req|scheduler .*pid:103|engine .*pid:103|kv_sender)/;
  it.each([
    ['leaves slices without their threads', (spans: Broken[]) => spans.filter(({ name }) => !KILLED.test(name))],
    ['takes a batch step with it', (spans: Broken[]) => leave(spans, the(spans, 'batch_step'))],
  ])('%s, which is valid only then', (_, lose) => {
    const spans = lose(valid());
    expect(validateTrace(spans, PARENT)).not.toEqual([]);
    expect(validateTrace(spans, killed('decode'))).not.toEqual([]);
    expect(validateTrace(spans, killed('prefill'))).toEqual([]);
  });

  it('that is a gateway takes the rooms with it, which is valid only then', () => {
    const spans = valid().filter(({ resource }) => resource['service.name'] !== 'sliceway-gateway');
    expect(validateTrace(spans, PARENT)).not.toEqual([]);
    expect(validateTrace(spans, killed('prefill'))).not.toEqual([]);
    expect(validateTrace(spans, killed('gateway'))).toEqual([]);
  });

  it('is no excuse for other faults', () => {
    const spans = valid();
    the(spans, 'receive').endNs -= 1n;
    expect(validateTrace(spans, killed('prefill'))).toHaveLength(1);
  });
});
