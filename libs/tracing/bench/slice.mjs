// Recording one slice on the serving thread: this library against OpenTelemetry's SDK, in turn in one process.
// Usage: node slice.mjs   prints a JSON array of { name, value, bound, holds, note }.
import { RingReader } from '../dist/recording/ring-reader.js';
import { readSpan } from '../dist/recording/read-span.js';
import { threadWriter } from '../dist/recording/thread-writer.js';
import { atMost, median, nanosecondsEach, printResults } from './compare.mjs';
import { ourRequest, recordAll, sdkRequest, sdkTracer, SLICE, TOKENS } from './subjects.mjs';

/** A ring holds more. It is read between two rounds, as it is read in another thread: only the serving thread is timed. */
const SLICES = 256;
const REQUESTS = 32;
/** Many rounds in a row, so that garbage is collected where it was made. */
const ROUNDS = 32;
const WARM_UP_BLOCKS = 8;
const BLOCKS = 41;
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

// One function each, so that V8 inlines into it what it calls.

function recordOurs() {
  for (let i = 0; i < SLICES; i++) ours[i % REQUESTS].record(i);
}

function recordApart() {
  for (let i = 0; i < SLICES; i++) ours[i % REQUESTS].recordApart(i);
}

function recordSdks() {
  for (let i = 0; i < SLICES; i++) sdk[i % REQUESTS].record(i);
}

/** The SDK makes up its batches on the thread that records: that is part of its price, what an exporter does with them is not. */
async function sdkRound() {
  const start = process.hrtime.bigint();
  recordSdks();
  await provider.forceFlush();
  return Number(process.hrtime.bigint() - start) / SLICES;
}

let fault = null;
const count = (read) => {
  if (read !== SLICES) fault ??= `${read} slices of ${SLICES} were in the ring`;
};

const ourRound = () => timed(recordOurs);
const apartRound = () => timed(recordApart);

function timed(record) {
  const time = nanosecondsEach(SLICES, record);
  let read = 0;
  ring.drain(() => ++read > 0);
  count(read);
  return time;
}

/** As `ourRound`, and what was recorded is looked at. */
function checkedRound() {
  recordOurs();
  let read = 0;
  const last = new Map();
  ring.drain((raw) => {
    const { name, traceId, spanId, attributes, links, startNs, endNs } = readSpan(ring, raw, control, {});
    const isRight = name === SLICE && attributes.bytes === read && attributes.tokens === TOKENS && endNs >= startNs;
    if (!isRight) fault ??= `slice ${read} is ${name} with ${JSON.stringify(attributes)}`;
    // The first of each request has none in this round to link to.
    const previous = last.get(traceId);
    const isLinked = links.length === 1 && links[0].spanId === previous && links[0].attributes['link.kind'] === 'prev';
    if (previous !== undefined && !isLinked) fault ??= `slice ${read} does not link to the one before it`;
    last.set(traceId, spanId);
    return ++read > 0;
  });
  count(read);
}

/** @returns nanoseconds a slice */
async function block(round) {
  let sum = 0;
  for (let i = 0; i < ROUNDS; i++) sum += await round();
  return sum / ROUNDS;
}

const blocks = [];
checkedRound();
/** Each is the first as often as the last: what ran before leaves its own data in the processor's caches. */
const rounds = Object.entries({ own: ourRound, apart: apartRound, sdk: sdkRound });
for (let i = 0; i < WARM_UP_BLOCKS + BLOCKS; i++) {
  const times = {};
  for (const [key, round] of rounds) times[key] = await block(round);
  if (i >= WARM_UP_BLOCKS) blocks.push(times);
  rounds.reverse();
}
checkedRound();
const { dropped } = threadWriter();
if (dropped > 0) fault ??= `the ring dropped ${dropped}`;
const all = (WARM_UP_BLOCKS + BLOCKS) * ROUNDS * SLICES;
const sdkFault = exported === all ? null : `the SDK exported ${exported} of ${all}`;

const of = (key) => median(blocks.map((each) => each[key]));
const ratioOf = (key) => median(blocks.map((each) => each[key] / each.sdk));
const [own, ratio] = [of('own'), ratioOf('own')];
const note =
  `${own.toFixed(0)} ns against ${of('sdk').toFixed(0)} ns, median of ${BLOCKS} blocks; ` +
  `${of('apart').toFixed(0)} ns and ${ratioOf('apart').toFixed(3)} where start and end each read the clock`;
printResults([
  atMost('tracing: ns to record a slice', own, MAX_NANOSECONDS, note, fault),
  atMost("tracing: recording a slice, against the SDK's", ratio, MAX_RATIO, note, fault ?? sdkFault),
]);
await provider.shutdown();
