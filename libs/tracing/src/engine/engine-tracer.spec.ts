import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SliceName } from '../names.js';
import { control, named, recorded, recordInEach } from '../recording/recording.fixture.js';

import { startRequest } from '../requests.js';
import { registerThread } from '../thread.js';
import { TraceLevel, TraceModule } from '../trace-level.js';
import { EngineTracer } from './engine-tracer.js';
import { forwardMode } from './forward-mode.js';
import type { ObservedSequence } from './observed-engine.js';
import { Stages } from './stages.js';

const RID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
registerThread({ label: 'scheduler' });

type Member = readonly [ObservedSequence, tokens: number, position: number];
const member = (id: string): ObservedSequence => ({ request: { id, promptIds: [1, 2] }, choice: 0 });
const A = member('a');

const batchOf = (bid: number, members: readonly Member[]) => ({
  forward: {
    bid,
    tokenIds: { length: members.length },
    runs: members.map(([, tokens, position]) => ({ tokens, position })),
  },
  sequences: members.map(([sequence]) => sequence),
  retracted: [],
});

function step(tracer: EngineTracer, bid: number, members: readonly Member[]): void {
  const batch = batchOf(bid, members);
  tracer.onSchedule(batch);
  const ns = Number(process.hrtime.bigint());
  tracer.onForward(batch, { startNs: ns, endNs: ns });
  tracer.tokensLeft([{ id: 'a', choice: 0, index: bid + 1, finish: null }]);
}

recordInEach();

function decode(level: TraceLevel, steps: (tracer: EngineTracer) => void): void {
  const tracer = new EngineTracer();
  const trace = startRequest({ rid: RID, role: 'decode', level });
  trace.sliceStart(SliceName.decodeWaiting);
  tracer.watchChoices('a', new Stages(trace, SliceName.decodeWaiting), [0]);
  steps(tracer);
  tracer.end('a', null);
  trace.finish();
}

it.each([
  [32, 0],
  [33, 1],
  [200, 168],
])('of %d batches, each another one, counts those past 32', (steps, omitted) => {
  decode(TraceLevel.normal, (tracer) => {
    for (let bid = 0; bid < steps; bid++)
      step(tracer, bid, [
        [A, 1, 2 + bid],
        [member('b'), 1, 9],
      ]);
  });
  const { events, attributes, droppedEvents } = named(recorded(), 'decode_forward');
  expect([events.length, droppedEvents]).toEqual([32, 0]);
  expect(attributes['schedules_omitted'] ?? 0).toBe(omitted);
  expect(attributes).toMatchObject({ tokens: steps, first_step: 0, last_step: steps - 1 });
});

it('of a batch that stays links each step to its members, and knows the last step of each', () => {
  const tracer = new EngineTracer();
  const other = member('b');
  const traces = ['a', 'b'].map((id) => {
    const trace = startRequest({ rid: id.repeat(32), role: 'decode', level: TraceLevel.normal });
    trace.sliceStart(SliceName.decodeWaiting);
    tracer.watchChoices(id, new Stages(trace, SliceName.decodeWaiting), [0]);
    return trace;
  });
  for (let bid = 0; bid < 130; bid++)
    step(tracer, bid, [
      [A, 1, 2 + bid],
      [other, 1, 2 + bid],
    ]);
  tracer.end('a', null);
  for (let bid = 130; bid < 140; bid++) step(tracer, bid, [[other, 1, 2 + bid]]);
  tracer.end('b', null);
  for (const trace of traces) trace.finish();
  const spans = recorded();
  const forwards = spans.filter(({ name }) => name === SliceName.decodeForward);
  expect(forwards.map(({ attributes }) => attributes['last_step'])).toEqual([129, 139]);
  const steps = spans.filter(({ name }) => name === 'batch_step');
  expect(steps.map(({ attributes }) => attributes['bid'])).toEqual(Array.from({ length: 140 }, (_, bid) => bid));
  const [first, second] = forwards.map(({ traceId, spanId }) => ({ traceId, spanId }));
  for (const { attributes, links } of steps) {
    const expected = (attributes['bid'] as number) < 130 ? [first, second] : [second];
    expect(links.map(({ traceId, spanId }) => ({ traceId, spanId }))).toEqual(expected);
  }
});

it('has no more than its bounds however long it decodes', () => {
  decode(TraceLevel.normal, (tracer) => {
    for (let bid = 0; bid < 3000; bid++) step(tracer, bid, [[A, 1, 2 + bid]]);
  });
  const { events, attributes } = named(recorded(), 'decode_forward');
  expect(events).toHaveLength(1);
  expect((attributes['inter_token_times'] as number[]).length).toBeLessThan(512);
  expect(attributes['inter_token_stride']).toBe(8);
});

it('does not look at a batch when nothing is traced', () => {
  const tracer = new EngineTracer();
  const untouchable = new Proxy(
    {},
    {
      get: () => {
        throw new Error('looked');
      },
    },
  ) as never;
  tracer.onSchedule(untouchable);
  tracer.onForward(untouchable, { startNs: 0, endNs: 0 });
  tracer.tokensLeft(untouchable);
});

it('makes no step for members of a forward that failed', () => {
  decode(TraceLevel.all, (tracer) => {
    tracer.onSchedule(batchOf(0, [[A, 1, 2]]));
    tracer.end('a', 'engine_error');
    const next = batchOf(1, [[member('b'), 1, 2]]);
    tracer.onSchedule(next);
    tracer.onForward(next, { startNs: 0, endNs: 0 });
  });
  expect(recorded().map(({ name }) => name)).not.toContain('batch_step');
});

it('leaves out of a batch step what was given up while it was computed', () => {
  decode(TraceLevel.all, (tracer) => {
    const batch = batchOf(0, [[A, 1, 2]]);
    tracer.onSchedule(batch);
    tracer.endChoice('a', 0, null);
    tracer.onForward(batch, { startNs: 0, endNs: 0 });
  });
  const names = recorded().map(({ name }) => name);
  expect(names).toContain('decode_forward');
  expect(names).not.toContain('batch_step');
  expect(names).not.toContain('decode_loop');
});

it('has no part in a trace without its module: the wait ends all the same', () => {
  control.modules = [TraceModule.request];
  decode(TraceLevel.all, (tracer) => {
    for (let bid = 0; bid < 3; bid++) step(tracer, bid, [[A, 1, 2 + bid]]);
  });
  const spans = recorded();
  expect(spans.map(({ name }) => name.replace(/ .*/, ''))).toEqual([
    'decode_waiting',
    'scheduler',
    'decode',
    'Bootstrap',
  ]);
  const request = named(spans, /^decode Req/);
  expect(named(spans, 'decode_waiting').endNs).toBeLessThan(request.endNs);
});

it('keeps nothing of a batch when nothing is traced any more', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const tracer = new EngineTracer();
  const trace = startRequest({ rid: RID, role: 'decode' });
  trace.sliceStart(SliceName.decodeWaiting);
  tracer.watchChoices('a', new Stages(trace, SliceName.decodeWaiting), [0]);
  const other = ((sequence) => {
    tracer.onSchedule(
      batchOf(0, [
        [A, 1, 2],
        [sequence, 1, 9],
      ]),
    );
    return new WeakRef(sequence);
  })(member('b'));
  tracer.end('a', null);
  trace.finish();
  await setImmediate();
  collect();
  expect(other.deref()).toBeUndefined();
});

it.each<[string, readonly Member[]]>([
  [
    'decode',
    [
      [A, 1, 2],
      [A, 1, 9],
    ],
  ],
  [
    'prefill',
    [
      [A, 2, 0],
      [A, 1, 1],
    ],
  ],
  ['prefill', [[A, 3, 2]]],
  [
    'mixed',
    [
      [A, 1, 2],
      [A, 2, 0],
    ],
  ],
])('the mode of a forward: %s', (mode, members) => {
  expect(forwardMode(batchOf(0, members))).toBe(mode);
});
