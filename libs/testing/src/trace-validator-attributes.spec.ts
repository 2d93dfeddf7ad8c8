import { type BrokenTrace, itRefuses, on, without, withoutSchedule } from './broken-trace.fixture.js';
import { TraceRule } from './trace-fault.js';

itRefuses([
  ...['rid', 'bootstrap_room', 'module'].map((key): BrokenTrace => [
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
  ...([1, 2] as const).map((level): BrokenTrace => [
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
  ...['first_step', 'last_step'].map((key): BrokenTrace => [
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
  ).map(([what, thread, options]): BrokenTrace => [
    `a thread that does not say which choice ${what}`,
    TraceRule.attributes,
    /no choice/,
    (spans) => {
      const ofChoice = spans.filter(({ name, attributes }) => thread.test(name) && attributes['choice'] !== undefined);
      without('choice')(ofChoice[0]!);
    },
    options,
  ]),
  ...['service.name', 'service.instance.id', 'host.name'].map((key): BrokenTrace => [
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
]);
