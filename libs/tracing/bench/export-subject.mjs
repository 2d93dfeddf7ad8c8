// A program: records slices at an even pace and exports them, by this library or by OpenTelemetry's SDK.
// Usage: node export-subject.mjs ours|sdk BATCH URL   prints { microseconds, slices, requests }: CPU time of all
// threads a slice, how many are sent, and of how many requests.
import { setTimeout as sleep } from 'node:timers/promises';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { initTracing } from '@sliceway/tracing';
import { cpuMicroseconds } from './compare.mjs';
import { ourRequest, sdkRequest, sdkTracer } from './subjects.mjs';

const REQUESTS = 32;
/** A busy service's: 16,000 slices a second. */
const BURST = 512;
const BURST_INTERVAL_MS = 32;
const BURSTS = 150;
/** Faster, until V8 has compiled what a request to the receiver runs: services run for days. */
const WARM_UP_INTERVAL_MS = 10;
const WARM_UP_BURSTS = 400;
const STARTED_MS = 2000;
/** What is recorded leaves at the latest after 500 ms. */
const SETTLED_MS = 900;

const [, , name, batch, url] = process.argv;
const subject = name === 'ours' ? startOurs() : startSdk();

function startOurs() {
  const tracing = initTracing({ serviceName: 'sliceway-gateway', endpoint: url, protocol: 'http/protobuf', level: 3 });
  const requests = Array.from({ length: REQUESTS }, (_, i) => ourRequest(i));
  // The slices that are under way are ended, and sent, too.
  return { requests, underWay: REQUESTS, stop: () => tracing.shutdown(20_000) };
}

function startSdk() {
  // Its shutdown sends what is queued all at once, and fails past the default of 30.
  const exporter = new OTLPTraceExporter({ url: `${url}/v1/traces`, concurrencyLimit: Infinity });
  const { provider, tracer } = sdkTracer(exporter, { maxExportBatchSize: Number(batch), maxQueueSize: 65_536 });
  const requests = Array.from({ length: REQUESTS }, (_, i) => sdkRequest(tracer, i));
  return { requests, underWay: 0, stop: () => provider.shutdown() };
}

async function record(bursts, intervalMs) {
  const startMs = performance.now();
  for (let burst = 0; burst < bursts; burst++) {
    for (let i = 0; i < BURST; i++) subject.requests[i % REQUESTS].record(i);
    await sleep(Math.max(1, startMs + (burst + 1) * intervalMs - performance.now()));
  }
}

// The exporter's thread loads what it needs; a ring holds half a second of this.
await sleep(STARTED_MS);
await record(WARM_UP_BURSTS, WARM_UP_INTERVAL_MS);
await sleep(SETTLED_MS);
const before = cpuMicroseconds();
await record(BURSTS, BURST_INTERVAL_MS);
await subject.stop();
const used = cpuMicroseconds() - before;
process.stdout.write(
  `${JSON.stringify({ microseconds: used / (BURSTS * BURST), slices: (WARM_UP_BURSTS + BURSTS) * BURST + subject.underWay, requests: REQUESTS })}\n`,
);
process.exit();
