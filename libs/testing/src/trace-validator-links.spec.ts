import { LinkKind } from '@sliceway/tracing';
import {
  type BrokenTrace,
  itRefuses,
  killed,
  kind,
  leads,
  leave,
  on,
  PARENT,
  relink,
  the,
  unlink,
  valid,
} from './broken-trace.fixture.js';
import { TraceRule } from './trace-fault.js';
import { validateTrace } from './trace-validator.js';

const withoutKv = unlink(LinkKind.kv);
const STOPPED_AT_ONCE = { 'gen_ai.usage.output_tokens': 1, 'gen_ai.response.finish_reasons': ['stop'] };

itRefuses([
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
    /prev link leads to route/,
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
    leads(LinkKind.previous, ['admission'], [/^gateway \(/]),
  ],
  [
    'a prev link over a neighbour',
    TraceRule.link,
    /prev link leads to receive/,
    leads(LinkKind.previous, ['route'], ['receive']),
  ],
  [
    'a prev link of the first slice to another thread',
    TraceRule.link,
    /prev link leads to tokenize/,
    (spans) => {
      the(spans, 'receive').links = [...the(spans, 'api_server_dispatch').links];
    },
  ],
  [
    'a prev link to a slice within',
    TraceRule.link,
    /prev link leads to chat_template/,
    leads(LinkKind.previous, ['tokenize'], ['chat_template']),
    { level: 3 },
  ],
  [
    'a prev link to what comes later',
    TraceRule.link,
    /prev link leads to stream/,
    leads(LinkKind.previous, ['tokenize'], ['stream']),
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
  ).map(([where, attributes, name]): BrokenTrace => [
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
    leads(LinkKind.kv, ['decode_transferred'], ['receive']),
  ],
  ...['decode_loop', 'chunked_prefill'].map((name): BrokenTrace => [
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
    leads(LinkKind.batch, ['decode_forward'], ['admission']),
  ],
  [
    'a batch step that knows nothing of it',
    TraceRule.link,
    /batch link leads to batch_step/,
    on('batch_step', (span) => {
      span.links = span.links.map((link) => ({ ...link, traceId: 'c'.repeat(32) }));
    }),
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
    leads(LinkKind.retryOf, ['tokenize_wait', 1], [/^gateway \(/]),
    { retry: true },
  ],
  [
    'a prev link to the attempt before',
    TraceRule.link,
    /prev link leads to route/,
    leads(LinkKind.previous, ['prefill_prepare', 1], ['route']),
    { retry: true },
  ],
  [
    'a batch link of what is no step',
    TraceRule.link,
    /batch link leads to batch_step/,
    (spans) => {
      const [link] = the(spans, 'prefill_forward').links.filter(
        ({ attributes }) => attributes['link.kind'] === LinkKind.batch,
      );
      the(spans, 'route').links = [...the(spans, 'route').links, link!];
    },
  ],
  [
    'a step of what is none',
    TraceRule.link,
    /batch link leads to route/,
    leads(LinkKind.batch, ['batch_step'], ['route']),
  ],
  [
    'a retry of itself',
    TraceRule.link,
    /retry_of link leads to Bootstrap/,
    leads(LinkKind.retryOf, ['tokenize_wait', 1], [/^Bootstrap/, 1]),
    { retry: true },
  ],
]);

it.each([
  ['a prev link to the neighbour', on('route', relink(LinkKind.previous, { spanId: 'e'.repeat(16) }))],
  ['a prev link to who sent it', on('tokenize', relink(LinkKind.previous, { spanId: 'e'.repeat(16) }))],
])('refuses %s that leads nowhere though a prefill was killed', (_, mutate) => {
  const spans = valid();
  mutate(spans);
  const faults = validateTrace(spans, killed('prefill'));
  expect(faults.map(({ message }) => message)).toEqual([expect.stringMatching(/prev link leads nowhere/)]);
});

it('takes a prev link to who sent it that leads nowhere only where the gateway was killed', () => {
  const spans = valid();
  on('tokenize', relink(LinkKind.previous, { spanId: 'e'.repeat(16) }))(spans);
  expect(validateTrace(spans, PARENT)).toHaveLength(1);
  expect(validateTrace(spans, killed('gateway'))).toEqual([]);
});

it.each([
  [1_000_000n, 'is', []],
  [1_000_001n, 'is no', ['tokenize: its prev link leads to tokenize_wait']],
])('a slice that another process begins %d ns after the next one %s previous one', (ns, _, messages) => {
  const spans = valid();
  const [before, after] = [the(spans, 'tokenize_wait'), the(spans, 'tokenize')];
  const shiftNs = before.startNs - ns - after.startNs;
  for (const span of spans) {
    if (span.resource['service.name'] !== 'sliceway-tokenizer') continue;
    span.startNs += shiftNs;
    span.endNs += shiftNs;
    span.events = span.events.map((event) => ({ ...event, timeNs: event.timeNs + shiftNs }));
  }
  expect(validateTrace(spans, PARENT).map(({ message }) => message)).toEqual(messages);
});

it('refuses links between two attempts', () => {
  const spans = valid({ retry: true });
  the(spans, /^decode Req/).parentSpanId = the(spans, /^Bootstrap/).spanId;
  const faults = validateTrace(spans, killed('decode'));
  expect(faults.map(({ message }) => message)).toEqual([
    'decode_prepare: its prev link leads to dispatch',
    'prefill_transfer_kv_cache: its kv link leads to decode_transferred',
    'decode_transferred: its kv link leads to prefill_transfer_kv_cache',
  ]);
});

it('takes a transfer that a stop string in the first token cut, before decode acknowledged any of it', () => {
  const spans = valid({ quick: true });
  Object.assign(the(spans, /^gateway Req/).attributes, STOPPED_AT_ONCE);
  withoutKv(the(spans, 'prefill_transfer_kv_cache'));
  expect(validateTrace(spans, PARENT)).toEqual([]);
});

it('takes a batch step that has members of other requests, too', () => {
  const spans = valid();
  const step = the(spans, 'batch_step');
  step.links = [...step.links, { ...step.links[0]!, traceId: 'c'.repeat(32) }];
  expect(validateTrace(spans, PARENT)).toEqual([]);
});
