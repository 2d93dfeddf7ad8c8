// Bytes that recording a slice, and a token's slice of a batch step, allocates on the heap, by V8's sampling profiler; those that were collected again count.
// Usage: node allocation.mjs   prints a JSON array of { name, value, bound, holds, note }.
import { Session } from 'node:inspector/promises';
import { batchStep, registerThread, sliceBatch } from '@sliceway/tracing';
import { Word } from '../dist/recording/record-format.js';
import { threadWriter } from '../dist/recording/thread-writer.js';
import { atMost, printResults } from './compare.mjs';
import { ourMember, ourRequest, recordAll, sdkRequest, sdkTracer } from './subjects.mjs';

const SLICES = 1_000_000;
/** The SDK allocates so much that fewer tell. */
const SDK_SPANS = 100_000;
const EVERY = 256;
const MAX_BYTES = 1;
/** A step makes a few objects, however many members it has. */
const MEMBERS = 32;
const MAX_LOOP_BYTES = 32;

recordAll();
const session = new Session();
session.connect();

/** Bytes a slice of `count`, and where most of them came from. */
async function profile(count, run) {
  run(count);
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 4096,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  run(count);
  const { head } = (await session.post('HeapProfiler.stopSampling')).profile;
  const byPlace = new Map();
  const walk = ({ callFrame, selfSize, children }) => {
    const place = callFrame.functionName || callFrame.url;
    byPlace.set(place, (byPlace.get(place) ?? 0) + selfSize);
    children.forEach(walk);
  };
  walk(head);
  const places = [...byPlace].filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a);
  return { bytes: places.reduce((sum, [, bytes]) => sum + bytes, 0) / count, most: places[0]?.[0] ?? 'nowhere' };
}

const request = ourRequest(0);
const ring = new Int32Array(threadWriter().buffer);
/** A reader that is never late. */
const readAll = () => Atomics.store(ring, Word.read, Atomics.load(ring, Word.written));
const ours = await profile(SLICES, (count) => {
  for (let i = 0; i < count; i++) {
    request.recordApart(i);
    if (i % EVERY === 0) readAll();
  }
});
const members = Array.from({ length: MEMBERS }, (_, i) => ourMember(i + 1));
const thread = registerThread({ label: 'engine' });
const step = { thread, startTs: 1, endTs: 2, attributes: { bid: 1, batch_size: MEMBERS }, members };
const loops = await profile(SLICES, (count) => {
  for (let i = 0; i < count; i += MEMBERS) {
    sliceBatch('decode_loop', members, 1, 2, { level: 3, batch: batchStep(step) });
    readAll();
  }
});
const { dropped } = threadWriter();
const discard = { export: (_, done) => done({ code: 0 }), shutdown: () => Promise.resolve() };
const { provider, tracer } = sdkTracer(discard, { maxExportBatchSize: 512, maxQueueSize: 4 * SDK_SPANS });
const spans = sdkRequest(tracer, 0);
const sdk = await profile(SDK_SPANS, (count) => {
  for (let i = 0; i < count; i++) spans.record(i);
});

const note = `${ours.bytes.toFixed(3)} (most in ${ours.most}) against the SDK's ${sdk.bytes.toFixed(0)}, over ${SLICES} slices`;
const fault = dropped > 0 ? `the ring dropped ${dropped}` : null;
const loopNote = `${loops.bytes.toFixed(3)} (most in ${loops.most}), a step of ${MEMBERS} members and its own span included`;
printResults([
  atMost('tracing: heap bytes a slice', ours.bytes, MAX_BYTES, note, fault),
  atMost("tracing: heap bytes a token's decode_loop", loops.bytes, MAX_LOOP_BYTES, loopNote, fault),
]);
await provider.shutdown();
