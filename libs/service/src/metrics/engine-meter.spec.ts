import { setTimeout as sleep } from 'node:timers/promises';
import { SliceName, startRequest } from '@sliceway/tracing';
import type { ObservedBatch, ObservedForward } from '@sliceway/tracing/engine';
import { recordAll } from '@sliceway/tracing/testing';
import { Registry } from 'prom-client';
import { setQueueAttributes } from '../legs/queue-attributes.js';
import { meterEngine, meterOf } from './engine-meter.js';
import type { MetricsRegistry } from './metrics.js';

function setUp() {
  const registry: MetricsRegistry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const seen: string[] = [];
  const engine = {
    load: { kvPagesUsed: 3, kvPagesTotal: 4 },
    observer: {
      onSchedule: (_: ObservedBatch) => void seen.push('schedule'),
      onForward: (_: ObservedBatch, __: ObservedForward) => void seen.push('forward'),
    },
    aheadOf: () => ({ position: 0, tokens: 0 }),
  };
  meterEngine(engine, registry);
  const schedule = (...ids: string[]): void => {
    const sequences = ids.map((id, choice) => ({ request: { id, promptIds: [] }, choice }));
    engine.observer.onSchedule(batchOf(sequences));
  };
  const line = async (start: string): Promise<string | undefined> =>
    (await registry.metrics()).split('\n').find((candidate) => candidate.startsWith(start));
  const value = async (name: string): Promise<number> => Number((await line(`${name} `))?.split(' ')[1]);
  return { engine, schedule, line, value, seen };
}

function batchOf(sequences: ObservedBatch['sequences']): ObservedBatch {
  return { forward: { bid: 1, tokenIds: [], runs: [] }, sequences, retracted: [] };
}

describe('EngineMeter', () => {
  it('counts batches and KV use, beside who observes already', async () => {
    const { engine, schedule, value, line, seen } = setUp();
    schedule('a/0/0', 'b/0/0', 'c/0/0');
    schedule('a/0/0');
    engine.observer.onForward(undefined as never, undefined as never);
    expect(seen).toEqual(['schedule', 'schedule', 'forward']);
    expect(await value('sliceway_batch_size_count')).toBe(2);
    expect(await value('sliceway_batch_size_sum')).toBe(4);
    expect(await line('sliceway_kv_use_ratio_bucket{le="0.7"}')).toBe('sliceway_kv_use_ratio_bucket{le="0.7"} 0');
    expect(await line('sliceway_kv_use_ratio_bucket{le="0.8"}')).toBe('sliceway_kv_use_ratio_bucket{le="0.8"} 2');
  });

  it('measures how long a request waits, once, traced or not', async () => {
    const { engine, schedule, value } = setUp();
    setQueueAttributes(startRequest({ rid: 'r', role: 'decode', level: 0 }), engine, 'r/0/0');
    await sleep(20);
    schedule('other/0/0');
    expect(await value('sliceway_queue_time_seconds_count')).toBe(0);
    schedule('r/0/0', 'r/0/0');
    schedule('r/0/0');
    expect(await value('sliceway_queue_time_seconds_count')).toBe(1);
    expect(await value('sliceway_queue_time_seconds_sum')).toBeGreaterThan(0.018);
  });

  it('forgets the oldest of those that never come to a forward', async () => {
    const { engine, schedule, value } = setUp();
    const meter = meterOf(engine)!;
    for (let i = 0; i <= 4096; i++) meter.queued(`${i}/0/0`);
    schedule('0/0/0');
    expect(await value('sliceway_queue_time_seconds_count')).toBe(0);
    schedule('1/0/0', '4096/0/0');
    expect(await value('sliceway_queue_time_seconds_count')).toBe(2);
  });

  it('shows the trace of a member that is traced', async () => {
    recordAll();
    const { engine, schedule, line } = setUp();
    const trace = startRequest({ rid: 'traced', role: 'decode' });
    trace.sliceStart(SliceName.decodeWaiting);
    meterOf(engine)!.queued('traced/0/0');
    const { traceId, spanId } = trace.current()!;
    schedule('untraced/0/0', 'traced/0/0');
    trace.finish();
    const exemplar = `# {trace_id="${traceId}",span_id="${spanId}"}`;
    expect(await line('sliceway_batch_size_bucket{le="2"}')).toContain(exemplar);
    expect(await line('sliceway_kv_use_ratio_bucket{le="0.8"}')).toContain(exemplar);
    expect(await line('sliceway_queue_time_seconds_bucket{le="0.001"}')).toContain(exemplar);
  });
});
