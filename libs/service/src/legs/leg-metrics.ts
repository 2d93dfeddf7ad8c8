import { requestTrace } from '@sliceway/tracing';
import type { KvTransport } from '../kv-transport/kv-transport.js';
import { MEGABYTES_PER_SECOND, RATIOS } from '../metrics/buckets.js';
import { ExemplarHistogram } from '../metrics/exemplar-histogram.js';
import type { MetricsRegistry } from '../metrics/metrics.js';
import { countFrom, gaugeFrom } from '../metrics/read-metrics.js';
import type { LegDropReason } from './leg-table.js';

/** What prefill and decode count of their transfers, and of legs that were dropped. */
export function measureLegs(
  registry: MetricsRegistry,
  transport: Pick<KvTransport, 'open' | 'totals' | 'onWhole'>,
  dropped: Readonly<Record<LegDropReason, number>>,
): void {
  const rate = new ExemplarHistogram(
    registry,
    'sliceway_kv_transfer_megabytes_per_second',
    'Rate of each whole KV transfer, from its first KV to its end; 10^6 bytes',
    MEGABYTES_PER_SECOND,
  );
  const overlapRatio = new ExemplarHistogram(
    registry,
    'sliceway_kv_transfer_overlap_ratio',
    'Prefill: share of each whole KV transfer in which its prompt was still computed; only the rest adds to latency',
    RATIOS,
  );
  transport.onWhole = ({ rid, bytes, durationMs, overlap }) => {
    if (bytes === 0 || durationMs <= 0) return;
    const trace = requestTrace(rid);
    rate.observe(bytes / 1000 / durationMs, trace);
    if (overlap !== null) overlapRatio.observe(overlap, trace);
  };
  gaugeFrom(
    registry,
    'sliceway_kv_transfers_open',
    'KV transfers and announcements that have not ended',
    () => transport.open,
  );
  countFrom(registry, 'sliceway_kv_bytes_total', 'KV bytes that left or came, once each', ['direction'], () => [
    [{ direction: 'sent' }, transport.totals.bytesSent],
    [{ direction: 'received' }, transport.totals.bytesReceived],
  ]);
  countFrom(
    registry,
    'sliceway_kv_frames_total',
    'KV frames that left or came, repeated ones too',
    ['direction'],
    () => [
      [{ direction: 'sent' }, transport.totals.framesSent],
      [{ direction: 'received' }, transport.totals.framesReceived],
    ],
  );
  countFrom(registry, 'sliceway_kv_frames_resent_total', 'KV frames that were sent again', [], () => [
    [{}, transport.totals.framesResent],
  ]);
  countFrom(
    registry,
    'sliceway_kv_frames_dropped_total',
    'KV frames and credits that were not taken',
    ['reason'],
    () => [
      [{ reason: 'damaged' }, transport.totals.framesDamaged],
      [{ reason: 'duplicate' }, transport.totals.framesDuplicate],
      [{ reason: 'unknown' }, transport.totals.framesUnknown],
    ],
  );
  countFrom(registry, 'sliceway_legs_dropped_total', 'Legs that came when their attempt was over', ['reason'], () =>
    Object.entries(dropped).map(([reason, count]) => [{ reason }, count]),
  );
}
