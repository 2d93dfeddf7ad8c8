import { SliceName, startRequest } from '@sliceway/tracing';
import { recordAll } from '@sliceway/tracing/testing';
import { Registry } from 'prom-client';
import type { KvTransport } from '../kv-transport/kv-transport.js';
import type { MetricsRegistry } from '../metrics/metrics.js';
import { measureLegs } from './leg-metrics.js';

const TOTALS = {
  bytesSent: 1,
  framesSent: 2,
  framesResent: 3,
  bytesReceived: 4,
  framesReceived: 5,
  framesDamaged: 6,
  framesDuplicate: 7,
  framesUnknown: 8,
};

describe('measureLegs', () => {
  it('shows the rate of each whole transfer, with its trace', async () => {
    recordAll();
    const registry: MetricsRegistry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const transport: Pick<KvTransport, 'open' | 'totals' | 'onWhole'> = { open: 0, totals: TOTALS };
    measureLegs(registry, transport, { stale: 0, aborted: 0, duplicate: 0 });
    const trace = startRequest({ rid: 'traced', role: 'prefill' });
    trace.sliceStart(SliceName.prefillTransferKvCache);
    const { traceId, spanId } = trace.current()!;
    // 12 MB in 300 ms, and a prompt without KV, which has no rate.
    transport.onWhole!({ rid: 'traced', bytes: 12_000_000, durationMs: 300, overlap: 0.75 });
    transport.onWhole!({ rid: 'untraced', bytes: 0, durationMs: 5, overlap: 0.5 });
    trace.finish();
    const name = 'sliceway_kv_transfer_megabytes_per_second';
    const lines = (await registry.metrics()).split('\n').filter((line) => line.startsWith(name));
    expect(lines.find((line) => line.startsWith(`${name}_bucket{le="25"}`))).toBe(`${name}_bucket{le="25"} 0`);
    const bucket = lines.find((line) => line.startsWith(`${name}_bucket{le="50"}`));
    expect(bucket).toContain(` 1 # {trace_id="${traceId}",span_id="${spanId}"} 40 `);
    expect(lines.at(-1)).toBe(`${name}_count 1`);
  });

  it('shows how much of a transfer prefill hides, where that is known', async () => {
    const registry: MetricsRegistry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
    const transport: Pick<KvTransport, 'open' | 'totals' | 'onWhole'> = { open: 0, totals: TOTALS };
    measureLegs(registry, transport, { stale: 0, aborted: 0, duplicate: 0 });
    transport.onWhole!({ rid: 'sent', bytes: 1000, durationMs: 4, overlap: 0.75 });
    transport.onWhole!({ rid: 'received', bytes: 1000, durationMs: 4, overlap: null });
    const lines = (await registry.metrics()).split('\n');
    const of = (suffix: string): string | undefined =>
      lines.find((line) => line.startsWith(`sliceway_kv_transfer_overlap_ratio_${suffix}`));
    expect(of('sum')).toBe('sliceway_kv_transfer_overlap_ratio_sum 0.75');
    expect(of('count')).toBe('sliceway_kv_transfer_overlap_ratio_count 1');
    expect(lines).toContain('sliceway_kv_transfer_megabytes_per_second_count 2');
  });
});
