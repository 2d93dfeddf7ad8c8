// What a call costs where nothing is traced. The call sites have seen traced requests before, as they have in a service whose level
// was changed, so nothing is folded away.
// Usage: node off.mjs   prints a JSON array of { name, value, bound, holds, note }.
import { trace } from '@opentelemetry/api';
import {
  batchStep,
  eventBatch,
  NULL_TRACE,
  recordCarrier,
  registerThread,
  sliceBatch,
  startRequest,
  startSend,
} from '@sliceway/tracing';
import { Word } from '../dist/recording/record-format.js';
import { threadWriter } from '../dist/recording/thread-writer.js';
import { atMost, median, nanosecondsEach, printResults } from './compare.mjs';
import { recordAll, SLICE } from './subjects.mjs';

const CALLS = 1_000_000;
const WARM_UP_ROUNDS = 5;
const ROUNDS = 31;
const MAX_NANOSECONDS = 5;

const control = recordAll();
const ring = new Int32Array(threadWriter().buffer);
const options = { attributes: { bytes: 1, tokens: 2 } };
const carrier = recordCarrier({});
const describe = (name) => ({ name, template: name, clientId: 'one' });

/** Calls by name: `traces` are many objects in turn for the compiler, though all are the null object when it counts. */
const CALL = {
  sliceStart: (traces, count) => {
    for (let i = 0; i < count; i++) traces[i & 15].sliceStart(SLICE);
  },
  sliceEnd: (traces, count) => {
    for (let i = 0; i < count; i++) traces[i & 15].sliceEnd(SLICE, options);
  },
  slice: (traces, count) => {
    for (let i = 0; i < count; i++) traces[i & 15].slice(SLICE, i, i + 1, options);
  },
  event: (traces, count) => {
    for (let i = 0; i < count; i++) traces[i & 15].event('schedule');
  },
  setRequestAttributes: (traces, count) => {
    for (let i = 0; i < count; i++) traces[i & 15].setRequestAttributes(options.attributes);
  },
  visit: (traces, count) => {
    for (let i = 0; i < count; i++) traces[i & 15].visit();
  },
  startSend: (traces, count) => {
    for (let i = 0; i < count; i++) startSend(traces[i & 15], 'sw.decode.leg', describe);
  },
  inject: (traces, count) => {
    for (let i = 0; i < count; i++) traces[i & 15].inject(carrier);
  },
  'eventBatch of 256': (_, count) => {
    for (let i = 0; i < count; i++) eventBatch('schedule', many);
  },
  'batchStep of 256': (_, count) => {
    for (let i = 0; i < count; i++) batchStep(step);
  },
  'sliceBatch of 1': (traces, count) => {
    for (let i = 0; i < count; i++) sliceBatch('decode_loop', one, i, i + 1);
  },
  'sliceBatch of 256': (traces, count) => {
    for (let i = 0; i < count; i++) sliceBatch('decode_loop', many, i, i + 1);
  },
};
const one = [NULL_TRACE];
const many = new Array(256).fill(NULL_TRACE);
const step = { thread: registerThread({ label: 'engine' }), startTs: 1, endTs: 2, attributes: {}, members: many };

const traced = Array.from({ length: 16 }, (_, i) =>
  i % 2 ? NULL_TRACE : startRequest({ rid: `r${i}`, role: 'gateway', bootstrapRoom: '0123456789abcdef' }),
);
for (const call of Object.values(CALL)) {
  for (let i = 0; i < 200; i++) {
    call(traced, 64);
    Atomics.store(ring, Word.read, Atomics.load(ring, Word.written));
  }
}
for (const trace of traced) trace.finish();

control.level = 0;
const off = startRequest({ rid: 'off', role: 'gateway' });
const traces = new Array(16).fill(off);
const written = Atomics.load(ring, Word.written);
const times = Object.fromEntries(Object.keys(CALL).map((name) => [name, []]));
// In turn: whichever came first would be timed while its code is compiled, and a slow minute would be one call's.
for (let i = 0; i < WARM_UP_ROUNDS + ROUNDS; i++) {
  for (const [name, call] of Object.entries(CALL)) times[name].push(nanosecondsEach(CALLS, () => call(traces, CALLS)));
}
const results = Object.entries(times).map(([name, each]) => [name, median(each.slice(WARM_UP_ROUNDS))]);

// OpenTelemetry's API with no SDK behind it: what a library that uses it pays when nothing is traced.
const silent = trace.getTracer('sliceway');
const silentTimes = [];
for (let i = 0; i < WARM_UP_ROUNDS + ROUNDS; i++) {
  const count = CALLS / 10;
  silentTimes.push(
    nanosecondsEach(count, () => {
      for (let k = 0; k < count; k++) {
        const span = silent.startSpan(SLICE);
        span.setAttribute('bytes', k);
        span.end();
      }
    }),
  );
}
const silentSpan = median(silentTimes.slice(WARM_UP_ROUNDS)).toFixed(0);

let fault = off === NULL_TRACE ? null : 'level 0 does not make the null object';
if (Atomics.load(ring, Word.written) !== written) fault ??= 'something was recorded';
const [calls, batches] = [
  results.filter(([name]) => !name.includes(' ')),
  results.filter(([name]) => name.includes(' ')),
];
const listed = (list) => list.map(([name, time]) => `${name} ${time.toFixed(1)}`).join(', ');
const slowest = (list) => Math.max(...list.map(([, time]) => time));
printResults([
  atMost(
    'tracing: ns of a call when off',
    slowest(calls),
    MAX_NANOSECONDS,
    `${listed(calls)}; a span of OpenTelemetry's API without an SDK ${silentSpan}`,
    fault,
  ),
  atMost('tracing: ns of a batch call when off', slowest(batches), MAX_NANOSECONDS, listed(batches), fault),
]);
