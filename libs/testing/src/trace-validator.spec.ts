import {
  criticalPath,
  EventName,
  LinkKind,
  resumeRequest,
  SliceName,
  SpanStatus,
  startRequest,
  type TraceLevel,
  type TraceSpan,
} from '@sliceway/tracing';
import {
  control,
  OUTER_PARENT,
  recordAll,
  recorded,
  SAMPLE_RID,
  type SampleOptions,
  sampleTrace,
} from '@sliceway/tracing/testing';
import { TraceRule } from './trace-fault.js';
import { validateTrace, type ValidateTraceOptions } from './trace-validator.js';

/** A span of a copy of the trace, to be broken. */
type Broken = { -readonly [Key in keyof TraceSpan]: TraceSpan[Key] } & { attributes: Record<string, unknown> };

const PARENT: ValidateTraceOptions = { parent: OUTER_PARENT };

/** What the exporter adds to each span. */
const RESOURCE = { 'service.name': 'sliceway-gateway', 'service.instance.id': '0000000a', 'host.name': 'one' };

function valid(options: SampleOptions = {}): Broken[] {
  return structuredClone(sampleTrace(options)) as Broken[];
}

function the(spans: readonly Broken[], name: string | RegExp, index = 0): Broken {
  const found = spans.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)))[index];
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

function leave(spans: Broken[], span: Broken): Broken[] {
  return spans.filter((each) => each !== span);
}

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
      const lost = options.retry === true;
      expect(validateTrace(sampleTrace({ ...options, level }), { ...PARENT, lost })).toEqual([]);
      expect(validateTrace(sampleTrace({ ...options, level, http: false }), { level, lost })).toEqual([]);
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
    expect(validateTrace(spans)).toEqual([]);
    expect(criticalPath(spans)).toMatchObject({ ttftNs: null, e2eNs: 300n, unattributedNs: 0n });
  });

  it('with messages that outlast what they were sent or processed in', () => {
    const spans = valid({ level: 3 });
    the(spans, SEND).endNs = the(spans, 'tokenize_wait').endNs + 5n;
    the(spans, PROCESS).endNs += 5n;
    expect(validateTrace(spans, PARENT)).toEqual([]);
  });

  it('with a message in the time of a nested slice', () => {
    const spans = valid({ level: 3 });
    const { spanId, startNs, endNs } = the(spans, 'stream');
    Object.assign(the(spans, SEND), { parentSpanId: spanId, startNs, endNs });
    expect(validateTrace(spans, PARENT)).toEqual([]);
  });

  it('with slices of the user’s own, if they are told', () => {
    const spans = valid();
    the(spans, 'receive').name = 'parse';
    expect(validateTrace(spans, { ...PARENT, ownNames: ['parse'] })).toEqual([]);
  });

  it('with a transfer that a stop string in the first token cut, before decode acknowledged any of it', () => {
    const spans = valid({ quick: true });
    Object.assign(the(spans, /^gateway Req/).attributes, STOPPED_AT_ONCE);
    withoutKv(the(spans, 'prefill_transfer_kv_cache'));
    expect(validateTrace(spans, PARENT)).toEqual([]);
  });

  it('with a batch step that has members of other requests, too', () => {
    const spans = valid();
    const step = the(spans, 'batch_step');
    step.links = [...step.links, { ...step.links[0]!, traceId: 'c'.repeat(32) }];
    expect(validateTrace(spans, PARENT)).toEqual([]);
  });
});

const SEND = 'send sw.tokenizer.encode';
const PROCESS = 'process sw.tokenizer.encode';

type Mutation = (spans: Broken[]) => Broken[] | void;

const without = (key: string) => (span: Broken) => void delete span.attributes[key];
const on =
  (name: string | RegExp, change: (span: Broken) => void, index = 0): Mutation =>
  (spans) => {
    change(the(spans, name, index));
  };
const relink = (kind: LinkKind, change: Partial<{ spanId: string; attributes: object }>) => (span: Broken) =>
  void (span.links = span.links.map((link) =>
    link.attributes['link.kind'] === kind ? ({ ...link, ...change } as typeof link) : link,
  ));
const withoutSchedule = (span: Broken) =>
  void (span.events = span.events.filter(({ name }) => name !== EventName.schedule));
const kind = (name: string) => ({ attributes: { 'link.kind': name } });
const unlink = (kind: LinkKind) => (span: Broken) =>
  void (span.links = span.links.filter(({ attributes }) => attributes['link.kind'] !== kind));
const withoutKv = unlink(LinkKind.kv);
const STOPPED_AT_ONCE = { 'gen_ai.usage.output_tokens': 1, 'gen_ai.response.finish_reasons': ['stop'] };

const MUTATIONS: [string, TraceRule, RegExp, Mutation, SampleOptions?][] = [
  // The tree.
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
  // Names.
  ['an unknown slice', TraceRule.name, /nobody knows/, on('receive', (span) => (span.name = 'recieve'))],
  [
    'a slice of another service',
    TraceRule.name,
    /no slice of gateway/,
    on('admission', (span) => (span.name = 'tokenize')),
  ],
  [
    'a slice on the wrong thread',
    TraceRule.name,
    /thread engine/,
    on(/^kv_sender/, (span) => {
      span.attributes['thread_label'] = 'engine';
      span.name = span.name.replace('kv_sender', 'engine');
    }),
  ],
  [
    'a slice of a higher level',
    TraceRule.name,
    /not of level 2/,
    (spans) => {
      const outer = the(spans, 'tokenize');
      return [
        ...spans,
        { ...outer, name: 'chat_template', spanId: 'e'.repeat(16), parentSpanId: outer.spanId, links: [] },
      ];
    },
  ],
  [
    'a message below its level',
    TraceRule.name,
    /not of level 2/,
    (spans) => {
      const send = the(valid({ level: 3 }), SEND);
      return [...spans, { ...send, spanId: 'e'.repeat(16), parentSpanId: the(spans, 'tokenize_wait').spanId }];
    },
  ],
  [
    'a nested slice in the wrong one',
    TraceRule.name,
    /does not belong in/,
    on('chat_template', (span) => (span.name = 'socket_write')),
    { level: 3 },
  ],
  [
    'a nested slice on the thread',
    TraceRule.name,
    /belongs in stream/,
    on('admission', (span) => (span.name = 'socket_write')),
    { level: 3 },
  ],
  // Time.
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
  [
    'a silent gap of 1 ns',
    TraceRule.tiling,
    /1 ns between receive and admission/,
    on('receive', (span) => (span.endNs -= 1n)),
  ],
  [
    'a silent start',
    TraceRule.tiling,
    /1 ns between its start and receive/,
    on('receive', (span) => (span.startNs += 1n)),
  ],
  [
    'a silent end',
    TraceRule.tiling,
    /1 ns between decode_forward and its end/,
    on('decode_forward', (span) => (span.endNs -= 1n)),
  ],
  ['an overlap of 1 ns', TraceRule.tiling, /overlaps receive by 1 ns/, on('receive', (span) => (span.endNs += 1n))],
  [
    'an overlap of nested slices',
    TraceRule.tiling,
    /overlaps decode_loop/,
    on('decode_loop', (span) => (span.endNs += 5n)),
    { level: 3 },
  ],
  [
    'a gap where level 1 leaves nothing out',
    TraceRule.tiling,
    /between receive/,
    on('receive', (span) => (span.endNs -= 1n)),
    { level: 1 },
  ],
  // Attributes.
  ...['rid', 'bootstrap_room', 'module'].map((key): [string, TraceRule, RegExp, Mutation] => [
    `a room without ${key}`,
    TraceRule.attributes,
    new RegExp(`no ${key}`),
    on(/^Bootstrap/, without(key)),
  ]),
  ['a request without a module', TraceRule.attributes, /no module/, on(/^decode Req/, without('module'))],
  [
    'a gateway without a model',
    TraceRule.attributes,
    /no gen_ai.request.model/,
    on(/^gateway Req/, without('gen_ai.request.model')),
  ],
  [
    'a room of another name',
    TraceRule.attributes,
    /its room is/,
    on(/^Bootstrap/, (span) => (span.name = 'Bootstrap Room 0x1111111111111111')),
  ],
  ['a thread without a host', TraceRule.attributes, /no host_id/, on(/^kv_sender/, without('host_id'))],
  [
    'a thread whose name hides its rank',
    TraceRule.attributes,
    /\[TP 1\]/,
    on(/^kv_sender/, (span) => (span.attributes['tp_rank'] = 1)),
  ],
  ['no queue position', TraceRule.attributes, /no queue_position/, on('decode_waiting', without('queue_position'))],
  ['no bytes', TraceRule.attributes, /no bytes/, on('decode_transferred', without('bytes'))],
  ['no candidates', TraceRule.attributes, /no event candidates/, on('route', (span) => (span.events = []))],
  [
    'a forward that nobody scheduled',
    TraceRule.attributes,
    /no event schedule/,
    on('prefill_forward', withoutSchedule),
  ],
  ...([1, 2] as const).map((level): [string, TraceRule, RegExp, Mutation, SampleOptions] => [
    `a decode that nobody scheduled, at level ${level}`,
    TraceRule.attributes,
    /decode_forward: it has no event schedule/,
    on('decode_forward', withoutSchedule),
    { level },
  ]),
  [
    'a step that nobody scheduled',
    TraceRule.attributes,
    /decode_loop: it has no event schedule/,
    on('decode_loop', withoutSchedule, 1),
    { level: 3 },
  ],
  ...['first_step', 'last_step'].map((key): [string, TraceRule, RegExp, Mutation] => [
    `no ${key}`,
    TraceRule.attributes,
    new RegExp(`no ${key}`),
    on('decode_forward', without(key)),
  ]),
  ...(
    [
      ['decodes', /^engine .*pid:104/, {}],
      ['ends at once', /^engine .*pid:104/, { quick: true }],
      ['is made text', /^tokenizer .*pid:102/, {}],
    ] as const
  ).map(([what, thread, options]): [string, TraceRule, RegExp, Mutation, SampleOptions] => [
    `a thread that does not say which choice ${what}`,
    TraceRule.attributes,
    /no choice/,
    (spans) => {
      const ofChoice = spans.filter(({ name, attributes }) => thread.test(name) && attributes['choice'] !== undefined);
      without('choice')(ofChoice[0]!);
    },
    options,
  ]),
  ...['service.name', 'service.instance.id', 'host.name'].map((key): [string, TraceRule, RegExp, Mutation] => [
    `a resource without ${key}`,
    TraceRule.attributes,
    new RegExp(`resource has no ${key}`),
    on('batch_step', (span) => {
      const { [key]: _, ...resource } = span.resource;
      span.resource = resource;
    }),
  ]),
  [
    'a schedule without its batch',
    TraceRule.attributes,
    /schedule has no bid/,
    on('decode_forward', (span) => {
      span.events = span.events.map((event) => ({ ...event, attributes: { batch_size: 1, forward_mode: 'decode' } }));
    }),
  ],
  ['a batch step without its size', TraceRule.attributes, /no batch_size/, on('batch_step', without('batch_size'))],
  // Links.
  ['no prev link', TraceRule.link, /0 prev links/, on('admission', (span) => (span.links = []))],
  [
    'two prev links',
    TraceRule.link,
    /2 prev links/,
    on('admission', (span) => (span.links = [...span.links, ...span.links])),
  ],
  [
    'a prev link on the first slice',
    TraceRule.link,
    /nothing was before it/,
    (spans) => {
      the(spans, 'receive').links = the(spans, 'admission').links.map((link) => ({
        ...link,
        spanId: the(spans, 'route').spanId,
      }));
    },
  ],
  [
    'a prev link to nowhere',
    TraceRule.link,
    /leads nowhere/,
    on('admission', relink(LinkKind.previous, { spanId: 'e'.repeat(16) })),
  ],
  [
    'a prev link to a thread',
    TraceRule.link,
    /prev link leads to gateway/,
    (spans) => {
      relink(LinkKind.previous, { spanId: the(spans, /^gateway \(/).spanId })(the(spans, 'admission'));
    },
  ],
  ['no kv link', TraceRule.link, /no kv link/, on('decode_transferred', withoutKv)],
  ['no kv link of the sender', TraceRule.link, /no kv link/, on('prefill_transfer_kv_cache', withoutKv)],
  ...(
    [
      ['of decode’s', STOPPED_AT_ONCE, 'decode_transferred'],
      [
        'where decode made a token',
        { ...STOPPED_AT_ONCE, 'gen_ai.usage.output_tokens': 2 },
        'prefill_transfer_kv_cache',
      ],
      [
        'where the length ended it',
        { ...STOPPED_AT_ONCE, 'gen_ai.response.finish_reasons': ['length'] },
        'prefill_transfer_kv_cache',
      ],
    ] as const
  ).map(([where, attributes, name]): [string, TraceRule, RegExp, Mutation] => [
    `no kv link ${where} though a stop string may cut a transfer`,
    TraceRule.link,
    /no kv link/,
    (spans) => {
      Object.assign(the(spans, /^gateway Req/).attributes, attributes);
      withoutKv(the(spans, name));
    },
  ]),
  [
    'a kv link to another slice',
    TraceRule.link,
    /kv link leads to receive/,
    (spans) => {
      relink(LinkKind.kv, { spanId: the(spans, 'receive').spanId })(the(spans, 'decode_transferred'));
    },
  ],
  ...['decode_loop', 'chunked_prefill'].map((name): [string, TraceRule, RegExp, Mutation, SampleOptions] => [
    `a ${name} of no batch step`,
    TraceRule.link,
    /no batch link/,
    on(name, unlink(LinkKind.batch)),
    { level: 3 },
  ]),
  ['an unknown kind of link', TraceRule.link, /kind next/, on('decode_forward', relink(LinkKind.batch, kind('next')))],
  ['a lost batch step', TraceRule.link, /batch link leads nowhere/, (spans) => leave(spans, the(spans, 'batch_step'))],
  [
    'a batch link to a slice',
    TraceRule.link,
    /batch link leads to admission/,
    (spans) => {
      const { traceId, spanId } = the(spans, 'admission');
      relink(LinkKind.batch, { traceId, spanId } as object)(the(spans, 'decode_forward'));
    },
  ],
  [
    'a retry that does not say so',
    TraceRule.link,
    /1 attempts have no retry_of/,
    on(
      'tokenize_wait',
      (span) => {
        span.links = span.links.filter(({ attributes }) => attributes['link.kind'] !== LinkKind.retryOf);
      },
      1,
    ),
    { retry: true },
  ],
  [
    'a retry of a thread',
    TraceRule.link,
    /retry_of link leads to gateway/,
    (spans) => {
      relink(LinkKind.retryOf, { spanId: the(spans, /^gateway \(/).spanId })(the(spans, 'tokenize_wait', 1));
    },
    { retry: true },
  ],
  // Messages.
  ...(
    [
      [
        'a processed message without its link',
        TraceRule.link,
        /0 message links/,
        on(PROCESS, (span) => (span.links = [])),
      ],
      [
        'a processed message that nobody sent',
        TraceRule.link,
        /message link leads nowhere/,
        (spans) => leave(spans, the(spans, SEND)),
      ],
      [
        'a processed message whose link leads to a slice',
        TraceRule.link,
        /message link leads to tokenize_wait/,
        (spans) => relink(LinkKind.message, { spanId: the(spans, 'tokenize_wait').spanId })(the(spans, PROCESS)),
      ],
      [
        'a processed message that is another one',
        TraceRule.link,
        /not that of send/,
        on(SEND, (span) => (span.attributes['messaging.destination.name'] = 'sw.tokenizer.0000000b.encode')),
      ],
      [
        'a message without its destination',
        TraceRule.attributes,
        /no messaging.destination.template/,
        on(SEND, without('messaging.destination.template')),
      ],
      ['a message of another name', TraceRule.name, /should be send sw/, on(SEND, (span) => (span.name = 'publish'))],
      [
        'a message of another type',
        TraceRule.attributes,
        /messaging.operation.type is receive/,
        on(PROCESS, (span) => (span.attributes['messaging.operation.type'] = 'receive')),
      ],
      [
        'a message that begins before what is above it',
        TraceRule.nesting,
        /not within tokenize_wait/,
        on(SEND, (span) => (span.startNs -= 1n)),
      ],
      [
        'a message that begins after what is above it',
        TraceRule.nesting,
        /not within tokenizer \(/,
        on(PROCESS, (span) => (span.startNs = span.endNs += 1n)),
      ],
      [
        'a message right below the room',
        TraceRule.place,
        /message span does not belong under Bootstrap/,
        (spans) => void (the(spans, SEND).parentSpanId = the(spans, /^Bootstrap/).spanId),
      ],
    ] as [string, TraceRule, RegExp, Mutation][]
  ).map((each): [string, TraceRule, RegExp, Mutation, SampleOptions] => [...each, { level: 3 }]),
  // Limits.
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
  // Status.
  [
    'an error without a reason',
    TraceRule.status,
    /without a reason/,
    on('stream', (span) => (span.status = { code: SpanStatus.error, message: '' })),
  ],
  [
    'a reason without an error',
    TraceRule.status,
    /did not fail/,
    on('stream', (span) => (span.status = { code: SpanStatus.unset, message: 'timeout' })),
  ],
  [
    'an abort that its thread does not know',
    TraceRule.status,
    /no thread of it failed/,
    on(/^gateway \(/, (span) => {
      span.status = { code: SpanStatus.unset, message: '' };
    }),
    { aborted: true },
  ],
  [
    'an abort that its room does not know',
    TraceRule.status,
    /room did not fail/,
    on(/^Bootstrap/, (span) => {
      span.status = { code: SpanStatus.unset, message: '' };
    }),
    { aborted: true },
  ],
];

describe('a trace is refused for its one fault:', () => {
  it.each(MUTATIONS)('%s', (_, rule, message, mutate, options = {}) => {
    const spans = valid(options);
    const validated = { ...PARENT, ...(message.source.includes('level 2') ? { level: 2 as const } : {}) };
    const mutated = mutate(spans) ?? spans;
    const faults = validateTrace(mutated, validated);
    expect(faults.map((fault) => [fault.rule, fault.message])).toEqual([[rule, expect.stringMatching(message)]]);
  });

  it('nothing at all', () => {
    expect(validateTrace([]).map(({ message }) => message)).toEqual(['there are no spans']);
  });
});

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

describe('a killed worker', () => {
  const KILLED = /^(prefill Req|scheduler .*pid:103|engine .*pid:103|kv_sender)/;
  it.each([
    ['leaves slices without their threads', (spans: Broken[]) => spans.filter(({ name }) => !KILLED.test(name))],
    ['takes a batch step with it', (spans: Broken[]) => leave(spans, the(spans, 'batch_step'))],
  ])('%s, which is valid only then', (_, lose) => {
    const spans = lose(valid());
    expect(validateTrace(spans, PARENT)).not.toEqual([]);
    expect(validateTrace(spans, { ...PARENT, lost: true })).toEqual([]);
  });

  it('is no excuse for other faults', () => {
    const spans = valid();
    the(spans, 'receive').endNs -= 1n;
    expect(validateTrace(spans, { ...PARENT, lost: true })).toHaveLength(1);
  });
});
