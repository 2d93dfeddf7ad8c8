import { itRefuses, on, PARENT, the, valid } from './broken-trace.fixture.js';
import { TraceRule } from './trace-fault.js';
import { validateTrace } from './trace-validator.js';

itRefuses([
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
]);

it('takes slices of the user’s own, if they are told', () => {
  const spans = valid();
  the(spans, 'receive').name = 'parse';
  expect(validateTrace(spans, { ...PARENT, ownNames: ['parse'] })).toEqual([]);
});
