import type { NatsContext } from '@nestjs/microservices';
import { AbortReason, FailureCode, FinishReason } from '@sliceway/protocol';
import {
  kvSpanIds,
  liveRequests,
  registerThread,
  requestTrace,
  resumeRequest,
  SliceName,
  SpanStatus,
  TraceLevel,
  type RequestTrace,
  type TraceSpan,
} from '@sliceway/tracing';
import { control, named, recordAll, recorded, threadsOf } from '@sliceway/tracing/testing';
import { forward, member } from '@sliceway/engine/testing';
import { abort, first, heard, ID, leg, RID, SEGMENT, setUp, token } from './decode-legs.fixture.js';
import { DecodeController } from './decode.controller.js';

const ROOM = '0123456789abcdef';
const HEADERS = new Map([['traceparent', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`]]);
registerThread({ label: 'scheduler' });

function begin(): RequestTrace {
  const trace = resumeRequest(HEADERS, { rid: RID, role: 'decode', bootstrapRoom: ROOM, ts: 0 });
  trace.sliceStart(SliceName.decodePrepare, { ts: 0 });
  return trace;
}

type Context = ReturnType<typeof setUp>;
type Step = (context: Context) => void | Promise<void>;
const [A, B, OTHER] = [member(ID, 0), member(ID, 1), member('other')];

/** Up to the KV being whole, of so many choices. */
const arrive = (choices: number): Step[] => [
  ({ accept }) => accept({ room: ROOM, choices }, begin()),
  ({ reserved }) => {
    reserved[0]!.grant();
    return heard();
  },
  ({ opened }) => {
    for (let i = 0; i < 2; i++) opened[0]!.sink.write(SEGMENT, new Uint8Array(1));
  },
  ({ opened }) => opened[0]!.events.onComplete(Array.from({ length: choices }, () => first())),
];

/** One choice, three steps; the batch is another one in the last. */
const WAY: Step[] = [
  ...arrive(1),
  ({ engine }) => forward(engine, 5, [[A, 1, 2]]),
  ({ step }) => step(token({ index: 1 })),
  ({ engine, step }) => {
    forward(engine, 6, [[A, 1, 3]]);
    step(token({ index: 2 }));
  },
  ({ engine, step }) => {
    forward(engine, 7, [
      [A, 1, 4],
      [OTHER, 2, 0],
    ]);
    step(token({ index: 3, finish: 'length' }));
  },
];

async function trace(level: TraceLevel, steps: readonly Step[]): Promise<TraceSpan[]> {
  recordAll(level);
  recorded();
  const context = setUp();
  for (const each of steps) await each(context);
  return recorded();
}

afterEach(() => {
  expect(liveRequests()).toBe(0);
  control.enabled = false;
});

const SLICES = ['decode_bootstrap', 'decode_forward', 'decode_prepare', 'decode_transferred', 'decode_waiting'];
const STEPS = Array<string>(3).fill('batch_step');

it.each([
  [TraceLevel.important, SLICES],
  [TraceLevel.normal, [...SLICES, ...STEPS]],
  [TraceLevel.all, [...SLICES, ...STEPS, 'decode_loop', 'decode_loop', 'decode_loop']],
])('at level %d has these slices, and batch steps', async (level, expected) => {
  const names = (await trace(level, WAY)).map(({ name }) => name);
  expect(names.filter((name) => /^[a-z_]+$/.test(name)).sort()).toEqual([...expected].sort());
});

it('tiles the time of each thread', async () => {
  expect(threadsOf(await trace(TraceLevel.all, WAY))).toEqual([
    {
      label: 'scheduler',
      choice: undefined,
      slices: ['decode_prepare', 'decode_bootstrap', 'decode_transferred', 'decode_waiting'],
    },
    { label: 'engine', choice: 0, slices: ['decode_forward'] },
  ]);
});

it('says what it waited for, what came and what it computed', async () => {
  const spans = await trace(TraceLevel.normal, WAY);
  const transferred = named(spans, 'decode_transferred');
  const computed = named(spans, 'decode_forward');
  expect(named(spans, 'decode_waiting').attributes).toEqual({ queue_position: 3, tokens_ahead: 40 });
  expect(transferred.attributes).toMatchObject({ bytes: 4096, chunks: 2, mb_per_s: expect.any(Number) });
  expect(computed.startNs).toBe(named(spans, 'decode_waiting').endNs);
  const { inter_token_times: times, ...attributes } = computed.attributes;
  expect(attributes).toEqual({ tokens: 3, first_step: 5, last_step: 7 });
  expect(times).toHaveLength(3);
  const sumUs = (times as number[]).reduce((sum, us) => sum + us, 0);
  expect(Math.abs(sumUs - Number(computed.endNs - computed.startNs) / 1000)).toBeLessThanOrEqual(0.5);
  for (const { status } of spans) expect(status.code).toBe(SpanStatus.unset);
});

it('below the level of all tells of a batch only when it is another one', async () => {
  const { events } = named(await trace(TraceLevel.normal, WAY), 'decode_forward');
  expect(events.map(({ name, attributes }) => [name, attributes])).toEqual([
    ['schedule', { bid: 5, batch_size: 1, forward_mode: 'decode' }],
    ['schedule', { bid: 7, batch_size: 2, forward_mode: 'mixed' }],
  ]);
});

it('at the level of all has each step in the slice, with its batch step', async () => {
  const spans = await trace(TraceLevel.all, WAY);
  const loops = spans.filter(({ name }) => name === 'decode_loop');
  const steps = spans.filter(({ name }) => name === 'batch_step');
  const outer = named(spans, 'decode_forward');
  expect(outer.events).toEqual([]);
  for (const [i, loop] of loops.entries()) {
    expect(loop.parentSpanId).toBe(outer.spanId);
    expect(loop.events.map(({ attributes }) => attributes['bid'])).toEqual([5 + i]);
    expect(loop.links.map(({ traceId, spanId }) => [traceId, spanId])).toEqual([[steps[i]!.traceId, steps[i]!.spanId]]);
    expect(loop.startNs <= steps[i]!.startNs && loop.endNs === steps[i]!.endNs).toBe(true);
    expect(steps[i]!.links.map(({ spanId }) => spanId)).toEqual([outer.spanId]);
  }
});

it('links the transfer to its other end', async () => {
  const transferred = named(await trace(TraceLevel.normal, WAY), 'decode_transferred');
  expect(transferred.spanId).toBe(kvSpanIds(ROOM).decode);
  expect(transferred.links.map(({ attributes, spanId }) => [attributes['link.kind'], spanId])).toContainEqual([
    'kv',
    kvSpanIds(ROOM).prefill,
  ]);
});

it('has a visit to the engine for each choice, also for one that its first token ended', async () => {
  const steps = arrive(3);
  steps[3] = ({ opened }) => opened[0]!.events.onComplete([first(), first(FinishReason.stop), first()]);
  const spans = await trace(TraceLevel.normal, [
    ...steps,
    ({ engine, step }) => {
      const C = member(ID, 2);
      forward(engine, 1, [
        [A, 1, 2],
        [C, 1, 2],
      ]);
      step(token({ finish: 'stop' }), token({ choice: 2 }));
      forward(engine, 2, [[C, 1, 3]]);
      step(token({ choice: 2, index: 2, finish: 'stop' }));
    },
  ]);
  const visits = threadsOf(spans).filter(({ label }) => label === 'engine');
  expect(visits.map(({ choice, slices }) => [choice, ...slices]).sort()).toEqual([
    [0, 'decode_forward'],
    [1, 'quick_finish'],
    [2, 'decode_forward'],
  ]);
  const [zero, two] = spans.filter(({ name }) => name === 'decode_forward');
  expect([zero, two].map((span) => span!.attributes)).toMatchObject([
    { tokens: 1, first_step: 1, last_step: 1 },
    { tokens: 2, first_step: 1, last_step: 2 },
  ]);
  expect(named(spans, 'quick_finish').links[0]!.spanId).toBe(kvSpanIds(ROOM).decode);
  for (const { status } of spans) expect(status.code).toBe(SpanStatus.unset);
});

it('waits for no step when every first token was the last', async () => {
  const steps = arrive(2);
  steps[3] = ({ opened }) => opened[0]!.events.onComplete([first(FinishReason.stop), first(FinishReason.length)]);
  const spans = await trace(TraceLevel.normal, steps);
  expect(
    threadsOf(spans)
      .map(({ slices }) => slices.at(-1))
      .sort(),
  ).toEqual(['decode_transferred', 'quick_finish', 'quick_finish']);
});

it('tells of a preemption where it happens', async () => {
  const spans = await trace(TraceLevel.normal, [
    ...arrive(2),
    ({ engine, step }) => {
      forward(engine, 1, [
        [A, 1, 2],
        [B, 1, 2],
      ]);
      step(token({ choice: 0 }), token({ choice: 1 }));
      forward(engine, 2, [[A, 1, 3]], [B]);
      step(token({ index: 2, finish: 'stop' }));
      forward(engine, 3, [[B, 4, 0]]);
      step(token({ choice: 1, index: 2, finish: 'stop' }));
    },
  ]);
  const [a, b] = spans.filter(({ name }) => name === 'decode_forward');
  expect(a!.events.map(({ name }) => name)).toEqual(['schedule', 'schedule']);
  expect(b!.events.map(({ name }) => name)).toEqual(['schedule', 'retract', 'schedule']);
  expect(b!.events[2]!.attributes).toMatchObject({ bid: 3, forward_mode: 'prefill' });
});

describe('an end on the way', () => {
  const ends: readonly [string, Step, string][] = [
    ['an abort', ({ legs }) => legs.abort(abort()), AbortReason.clientDisconnected],
    ['a failure', ({ legs }) => legs.onFailure(ID, new Error('broken')), `${FailureCode.engineError}: broken`],
    ['a lost peer', ({ legs }) => legs.dropPeer(leg().gateway), 'worker_lost: the gateway was gone'],
  ];
  const stages = [
    [1, 'decode_prepare'],
    [2, 'decode_bootstrap'],
    [3, 'decode_transferred'],
    [4, 'decode_waiting'],
    [5, 'decode_forward'],
    [7, 'decode_forward'],
  ] as const;
  it.each(
    ends.flatMap(([what, end, reason]) => stages.map(([steps, slice]) => [what, slice, steps, end, reason] as const)),
  )('%s closes %s and all around it with the reason (step %d)', async (_what, slice, steps, end, reason) => {
    const spans = await trace(TraceLevel.normal, [...WAY.slice(0, steps), end]);
    const error = { code: SpanStatus.error, message: reason };
    expect(named(spans, slice).status).toEqual(error);
    expect(named(spans, /^decode Req/).status).toEqual(error);
    threadsOf(spans);
  });

  it('by a stop string is no error, and says what was computed', async () => {
    for (const [steps, slice] of stages) {
      const stop: Step = ({ legs }) => legs.abort(abort({ reason: AbortReason.stopMatched }));
      const spans = await trace(TraceLevel.normal, [...WAY.slice(0, steps), stop]);
      const last = named(spans, slice);
      if (steps === 3) expect(last.attributes).toMatchObject({ bytes: 4096, chunks: 2 });
      if (steps === 7) expect(last.attributes).toMatchObject({ tokens: 2, last_step: 6 });
      for (const { status } of spans) expect(status.code).toBe(SpanStatus.unset);
      threadsOf(spans);
    }
  });

  it.each([
    [AbortReason.stopMatched, SpanStatus.unset],
    [AbortReason.clientDisconnected, SpanStatus.error],
  ])('of one choice by %s leaves the others alone', async (reason, code) => {
    const spans = await trace(TraceLevel.normal, [
      ...arrive(2),
      ({ engine, legs, step }) => {
        forward(engine, 1, [
          [A, 1, 2],
          [B, 1, 2],
        ]);
        legs.abort(abort({ choice: 1, reason }));
        step(token());
        forward(engine, 2, [[A, 1, 3]]);
        step(token({ index: 2, finish: 'stop' }));
      },
    ]);
    const [b, a] = spans.filter(({ name }) => name === 'decode_forward');
    expect([a!.status.code, b!.status.code]).toEqual([SpanStatus.unset, code]);
    expect([a!.attributes['tokens'], b!.attributes['tokens']]).toEqual([2, 0]);
    threadsOf(spans);
  });

  it('of all choices one by one, before the first step, is the end', async () => {
    const stop = (choice: number) => abort({ choice, reason: AbortReason.stopMatched });
    const spans = await trace(TraceLevel.normal, [
      ...arrive(2),
      ({ legs }) => [0, 1].forEach((choice) => legs.abort(stop(choice))),
    ]);
    expect(threadsOf(spans).map(({ slices }) => slices.at(-1))).toEqual(['decode_waiting']);
    for (const { status } of spans) expect(status.code).toBe(SpanStatus.unset);
  });
});

it('of a leg that comes twice, or late, stays that of the one that is here', () => {
  recordAll();
  recorded();
  const context = setUp();
  const controller = new DecodeController(context.legs);
  const message = { getHeaders: () => HEADERS, getSubject: () => 'sw.decode.00000000.leg' } as unknown as NatsContext;
  controller.onLeg(leg({ attempt: 1 }), message);
  const trace = requestTrace(RID);
  expect(trace.level).toBe(TraceLevel.all);
  controller.onLeg(leg({ attempt: 1 }), message);
  controller.onLeg(leg({ attempt: 0 }), message);
  expect(context.legs.dropped).toEqual({ duplicate: 1, stale: 1, aborted: 0 });
  expect(requestTrace(RID)).toBe(trace);
  context.legs.abort(abort({ attempt: 1 }));
  expect(named(recorded(), /^decode Req/).status.message).toBe(AbortReason.clientDisconnected);
});
