import type { NatsContext } from '@nestjs/microservices';
import { AbortReason, FailureCode } from '@sliceway/protocol';
import type { NatsKvTransport } from '@sliceway/service';
import {
  AttributeName,
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
import { abort, ID, leg, RID, SEGMENT, setUp, token } from './prefill-legs.fixture.js';
import { PrefillController } from './prefill.controller.js';

const ROOM = '0123456789abcdef';
const HEADERS = new Map([['traceparent', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`]]);
registerThread({ label: 'scheduler' });

function begin(): RequestTrace {
  const trace = resumeRequest(HEADERS, { rid: RID, role: 'prefill', bootstrapRoom: ROOM, ts: 0 });
  trace.sliceStart(SliceName.prefillPrepare, { ts: 0 });
  return trace;
}

type Context = ReturnType<typeof setUp>;
const SEQUENCE = member(ID);
/** A prompt of two chunks. */
const WAY: readonly ((context: Context) => void)[] = [
  ({ accept }) => accept({ room: ROOM }, begin()),
  ({ opened }) => opened[0]!.events.onOpen(),
  ({ engine }) => forward(engine, 7, [[SEQUENCE, 1, 0]]),
  ({ legs, sent }) => {
    legs.onKvReady(ID, SEGMENT);
    Object.assign(sent, { bytesSent: 8192, chunksSent: 2 });
  },
  ({ engine }) => forward(engine, 8, [[SEQUENCE, 1, 1]]),
  ({ step }) => step(token()),
  ({ opened, sent }) => {
    sent.isAcknowledged = true;
    opened[0]!.events.onDone();
  },
];

/** Goes a part of the way, and lets it end somehow. */
function trace(level: TraceLevel, steps = WAY.length, end: (context: Context) => void = () => {}): TraceSpan[] {
  recordAll(level);
  recorded();
  const context = setUp();
  for (const each of WAY.slice(0, steps)) each(context);
  end(context);
  return recorded();
}

afterEach(() => {
  expect(liveRequests()).toBe(0);
  control.enabled = false;
});

const SLICES = [
  'prefill_bootstrap',
  'prefill_forward',
  'prefill_prepare',
  'prefill_transfer_kv_cache',
  'prefill_waiting',
];

it.each([
  [TraceLevel.important, SLICES, []],
  [TraceLevel.normal, SLICES, ['batch_step', 'batch_step']],
  [TraceLevel.all, [...SLICES, 'chunked_prefill', 'chunked_prefill'], ['batch_step', 'batch_step']],
])('at level %d has these slices, and batch steps', (level, slices, steps) => {
  const names = trace(level).map(({ name }) => name);
  const own = names.filter((name) => /^[a-z_]+$/.test(name));
  expect(own.sort()).toEqual([...slices, ...steps].sort());
});

it('tiles the time of each thread', () => {
  expect(threadsOf(trace(TraceLevel.all))).toEqual([
    { label: 'scheduler', slices: ['prefill_prepare', 'prefill_bootstrap', 'prefill_waiting'] },
    { label: 'engine', slices: ['prefill_forward'] },
    { label: 'kv_sender', slices: ['prefill_transfer_kv_cache'] },
  ]);
});

it('says what it waited for, what it computed and what it sent', () => {
  const spans = trace(TraceLevel.all);
  const waiting = named(spans, 'prefill_waiting');
  const computed = named(spans, 'prefill_forward');
  const sent = named(spans, 'prefill_transfer_kv_cache');
  expect(waiting.attributes).toEqual({ queue_position: 3, tokens_ahead: 40 });
  expect(computed.startNs).toBe(waiting.endNs);
  expect(computed.attributes).toEqual({ tokens: 2, cached_tokens: 0 });
  expect(computed.events.map(({ name, attributes }) => [name, attributes])).toEqual([
    ['schedule', { bid: 7, batch_size: 1, forward_mode: 'prefill' }],
    ['schedule', { bid: 8, batch_size: 1, forward_mode: 'prefill' }],
  ]);
  expect(sent.attributes).toMatchObject({ bytes: 8192, chunks: 2 });
  const megabytes = (8192 * 1000) / Number(sent.endNs - sent.startNs);
  expect(sent.attributes[AttributeName.megabytesPerSecond]).toBeCloseTo(megabytes, 1);
  for (const { status } of spans) expect(status.code).toBe(SpanStatus.unset);
});

it('links the transfer to what it sends and to its other end, and chunks to their batch steps', () => {
  const spans = trace(TraceLevel.all);
  const sent = named(spans, 'prefill_transfer_kv_cache');
  expect(sent.spanId).toBe(kvSpanIds(ROOM).prefill);
  expect(sent.links.map(({ spanId, attributes }) => [attributes['link.kind'], spanId])).toEqual([
    ['prev', named(spans, 'prefill_forward').spanId],
    ['kv', kvSpanIds(ROOM).decode],
  ]);
  const steps = spans.filter(({ name }) => name === 'batch_step');
  const chunks = spans.filter(({ name }) => name === 'chunked_prefill');
  expect(chunks.map(({ links }) => links[0]!.spanId)).toEqual(steps.map(({ spanId }) => spanId));
  expect(steps.map(({ attributes }) => attributes)).toMatchObject([
    { bid: 7, batch_size: 1, forward_mode: 'prefill', tokens: 1, thread_label: 'engine', tp_rank: 0 },
    { bid: 8, batch_size: 1, forward_mode: 'prefill', tokens: 1 },
  ]);
  for (const [i, chunk] of chunks.entries()) {
    expect([chunk.startNs, chunk.endNs]).toEqual([steps[i]!.startNs, steps[i]!.endNs]);
  }
});

describe('an end on the way', () => {
  const ends: readonly [string, (context: Context) => void, string][] = [
    ['an abort', ({ legs }) => legs.abort(abort()), AbortReason.clientDisconnected],
    [
      'a failure',
      ({ legs }) => legs.onFailure(ID, new Error('out of order')),
      `${FailureCode.engineError}: out of order`,
    ],
    ['a lost peer', ({ legs }) => legs.dropPeer(leg().gateway), 'worker_lost: the gateway was gone'],
  ];
  const stages = [
    [1, 'prefill_bootstrap'],
    [2, 'prefill_waiting'],
    [3, 'prefill_forward'],
    [4, 'prefill_transfer_kv_cache'],
    [6, 'prefill_transfer_kv_cache'],
  ] as const;
  it.each(
    ends.flatMap(([what, end, reason]) => stages.map(([steps, slice]) => [what, slice, steps, end, reason] as const)),
  )('%s closes %s and all around it with the reason (step %d)', (_what, slice, steps, end, reason) => {
    const spans = trace(TraceLevel.normal, steps, end);
    const error = { code: SpanStatus.error, message: reason };
    expect(named(spans, slice).status).toEqual(error);
    expect(named(spans, /^prefill Req/).status).toEqual(error);
    threadsOf(spans);
  });

  it('by a stop string is no error', () => {
    for (const [steps, slice] of stages) {
      const spans = trace(TraceLevel.normal, steps, ({ legs }) =>
        legs.abort(abort({ reason: AbortReason.stopMatched })),
      );
      expect(named(spans, slice).name).toBe(slice);
      for (const { status } of spans) expect(status.code).toBe(SpanStatus.unset);
      threadsOf(spans);
    }
  });

  it('before decode has acknowledged anything leaves no link to what may not exist', () => {
    const spans = trace(TraceLevel.normal, 6, ({ legs }) => legs.abort(abort()));
    const sent = named(spans, 'prefill_transfer_kv_cache');
    expect(sent.links.map(({ attributes }) => attributes['link.kind'])).toEqual(['prev']);
    expect(sent.attributes).toMatchObject({ bytes: 8192, chunks: 2 });
  });

  it('by a leg that is refused closes what its receipt opened', () => {
    const spans = trace(TraceLevel.normal, 0, ({ accept }) => accept({ deadlineMs: 1 }, begin()));
    expect(named(spans, 'prefill_prepare').status).toEqual({ code: SpanStatus.error, message: 'deadline' });
  });
});

it('writes nothing of a request that is not traced', () => {
  const context = setUp();
  recordAll();
  recorded();
  context.accept();
  for (const each of WAY.slice(1)) each(context);
  expect(recorded()).toEqual([]);
});

it('of a leg that comes twice, or late, stays that of the one that is here', () => {
  recordAll();
  recorded();
  const context = setUp();
  const controller = new PrefillController(context.legs, {} as NatsKvTransport);
  const message = { getHeaders: () => HEADERS, getSubject: () => 'sw.prefill.00000000.leg' } as unknown as NatsContext;
  controller.onLeg(leg({ attempt: 1 }), message);
  const trace = requestTrace(RID);
  expect(trace.level).toBe(TraceLevel.all);
  controller.onLeg(leg({ attempt: 1 }), message);
  controller.onLeg(leg({ attempt: 0 }), message);
  expect(context.legs.dropped).toEqual({ duplicate: 1, stale: 1, aborted: 0 });
  expect(requestTrace(RID)).toBe(trace);
  context.legs.abort(abort({ attempt: 1 }));
  expect(named(recorded(), /^prefill Req/).status.message).toBe(AbortReason.clientDisconnected);
});
