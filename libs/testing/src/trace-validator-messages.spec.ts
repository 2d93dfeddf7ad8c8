import { LinkKind } from '@sliceway/tracing';
import {
  type BrokenTrace,
  itRefuses,
  leads,
  leave,
  type Mutation,
  on,
  PARENT,
  the,
  valid,
  without,
} from './broken-trace.fixture.js';
import { TraceRule } from './trace-fault.js';
import { validateTrace } from './trace-validator.js';

const SEND = 'send sw.tokenizer.encode';
const PROCESS = 'process sw.tokenizer.encode';

itRefuses([
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
        leads(LinkKind.message, [PROCESS], ['tokenize_wait']),
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
  ).map((each): BrokenTrace => [...each, { level: 3 }]),
  [
    'a message below its level',
    TraceRule.name,
    /not of level 2/,
    (spans) => {
      const send = the(valid({ level: 3 }), SEND);
      return [...spans, { ...send, spanId: 'e'.repeat(16), parentSpanId: the(spans, 'tokenize_wait').spanId }];
    },
  ],
]);

it('takes messages that outlast what they were sent or processed in', () => {
  const spans = valid({ level: 3 });
  the(spans, SEND).endNs = the(spans, 'tokenize_wait').endNs + 5n;
  the(spans, PROCESS).endNs += 5n;
  expect(validateTrace(spans, PARENT)).toEqual([]);
});

it('takes a message in the time of a nested slice', () => {
  const spans = valid({ level: 3 });
  const { spanId, startNs, endNs } = the(spans, 'stream');
  Object.assign(the(spans, SEND), { parentSpanId: spanId, startNs, endNs });
  expect(validateTrace(spans, PARENT)).toEqual([]);
});
