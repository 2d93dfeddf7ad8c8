// Recording one slice on the serving thread: this library against OpenTelemetry's SDK, in turn in one process.
// Usage: node slice.mjs   prints a JSON array of { name, value, bound, holds, note }.
import { RingReader } from '../dist/recording/ring-reader.js';
import { readSpan } from '../dist/recording/read-span.js';
import { threadWriter } from '../dist/recording/thread-writer.js';
import { atMost, median, nanosecondsEach, printResults } from './compare.mjs';
import { ourRequest, recordAll, sdkRequest, sdkTracer, SLICE, TOKENS } from './subjects.mjs';

/**
 * A ring holds more. It is read between two rounds, as it is read in another thread: only the serving thread is timed. Rounds are so
 * short that the median one is not interrupted by other work of the machine, nor by the garbage collector, which spares the SDK.
 */
const SLICES = 256;
const REQUESTS = 32;
const WARM_UP_ROUNDS = 240;
const ROUNDS = 1001;
const MAX_NANOSECONDS = 300;
const MAX_RATIO = 0.1;

const control = recordAll();
const ring = new RingReader(threadWriter().buffer);
let exported = 0;
const discard = {
  export(spans, done) {
    exported += spans.length;
    done({ code: 0 });
  },
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};
const { provider, tracer } = sdkTracer(discard, { maxExportBatchSize: 512, maxQueueSize: 2 * SLICES });
const ours = Array.from({ length: REQUESTS }, (_, i) => ourRequest(i));
const sdk = Array.from({ length: REQUESTS }, (_, i) => sdkRequest(tracer, i));

function record(requests) {
  for (let i = 0; i < SLICES; i++) requests[i % REQUESTS].record(i);
}

/** The SDK makes up its batches on the thread that records: that is part of its price, what an exporter does with them is not. */
async function sdkRound() {
  const start = process.hrtime.bigint();
  record(sdk);
  await provider.forceFlush();
  return Number(process.hrtime.bigint() - start) / SLICES;
}

/** @returns what is wrong with the slices of a round; null if nothing is */
function faultOfRing() {
  let fault = null;
  let count = 0;
  const last = new Map();
  ring.drain((raw) => {
    const { name, traceId, spanId, attributes, links, startNs, endNs } = readSpan(ring, raw, control, {});
    const isRight = name === SLICE && attributes.bytes === count && attributes.tokens === TOKENS && endNs >= startNs;
    if (!isRight) fault ??= `slice ${count} is ${name} with ${JSON.stringify(attributes)}`;
    // The first of each request has none in this round to link to.
    const previous = last.get(traceId);
    const isLinked = links.length === 1 && links[0].spanId === previous && links[0].attributes['link.kind'] === 'prev';
    if (previous !== undefined && !isLinked) fault ??= `slice ${count} does not link to the one before it`;
    last.set(traceId, spanId);
    count++;
    return true;
  });
  return fault ?? (count === SLICES ? null : `${count} slices of ${SLICES} were in the ring`);
}

const times = { ours: [], sdk: [] };
let fault = null;
for (let i = 0; i < WARM_UP_ROUNDS + ROUNDS; i++) {
  const own = nanosecondsEach(SLICES, () => record(ours));
  fault ??= faultOfRing();
  const theirs = await sdkRound();
  if (i < WARM_UP_ROUNDS) continue;
  times.ours.push(own);
  times.sdk.push(theirs);
}
const { dropped } = threadWriter();
if (dropped > 0) fault ??= `the ring dropped ${dropped}`;
const all = (WARM_UP_ROUNDS + ROUNDS) * SLICES;
const sdkFault = exported === all ? null : `the SDK exported ${exported} of ${all}`;

const [own, theirs] = [median(times.ours), median(times.sdk)];
const ratio = median(times.ours.map((time, i) => time / times.sdk[i]));
const note = `${own.toFixed(0)} ns against ${theirs.toFixed(0)} ns, median of ${ROUNDS} rounds of ${SLICES}`;
printResults([
  atMost('tracing: ns to record a slice', own, MAX_NANOSECONDS, note, fault),
  atMost("tracing: recording a slice, against the SDK's", ratio, MAX_RATIO, note, fault ?? sdkFault),
]);
await provider.shutdown();
