// A request handed over in NATS headers: `inject` before they are encoded and `resumeRequest` once they are decoded, against nats.js
// doing the same headers alone, and OpenTelemetry's propagator with the two spans it needs, in turn in one process.
// Usage: node propagation.mjs   prints a JSON array of { name, value, bound, holds, note }.
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { headers, MsgHdrsImpl } from '@nats-io/nats-core/internal';
import { resumeRequest, startRequest } from '@sliceway/tracing';
import { Word } from '../dist/recording/record-format.js';
import { threadWriter } from '../dist/recording/thread-writer.js';
import { atMost, cpuMicroseconds, median, printResults } from './compare.mjs';
import { recordAll, sdkTracer } from './subjects.mjs';

/** Live at once: as many as a batch has places. */
const REQUESTS = 32;
const ROUNDS = 160;
const WARM_UP_BLOCKS = 3;
const BLOCKS = 21;
const MAX_MICROSECONDS = 2;
const ROOM = '0123456789abcdef';

recordAll();
const ring = new Int32Array(threadWriter().buffer);
const discard = { export: (_, done) => done({ code: 0 }), shutdown: () => Promise.resolve() };
const { provider, tracer } = sdkTracer(discard, { maxExportBatchSize: 512, maxQueueSize: 4 * REQUESTS });
const propagator = new W3CTraceContextPropagator();
const setter = { set: (carrier, key, value) => carrier.set(key, value) };
const getter = { get: (carrier, key) => carrier.get(key), keys: (carrier) => carrier.keys() };

const rids = Array.from({ length: REQUESTS }, (_, i) => i.toString(16).padStart(32, '0'));
const sent = new Array(REQUESTS);
const messages = new Array(REQUESTS);
const resumed = new Array(REQUESTS);

function handOver(write) {
  const message = headers();
  write(message);
  return MsgHdrsImpl.decode(message.encode());
}

/** What our context looks like on the wire, as strings that are there already. */
const entries = (() => {
  const message = headers();
  const sample = startRequest({ rid: rids[0], role: 'gateway', bootstrapRoom: ROOM });
  sample.inject(message);
  sample.finish();
  return [...message.keys()].map((key) => [key, message.get(key)]);
})();

function begin() {
  for (let i = 0; i < REQUESTS; i++) sent[i] = startRequest({ rid: rids[i], role: 'gateway', bootstrapRoom: ROOM });
}

function resume(i) {
  resumed[i] = resumeRequest(messages[i], { rid: rids[i], role: 'prefill', bootstrapRoom: ROOM });
}

function finish() {
  for (let i = 0; i < REQUESTS; i++) {
    resumed[i].finish();
    sent[i].finish();
  }
  // A reader that is never late.
  Atomics.store(ring, Word.read, Atomics.load(ring, Word.written));
}

/** The same requests begin, resume and end around it, so that caches are as full as in ours. */
function bareRound() {
  begin();
  const start = cpuMicroseconds();
  for (let i = 0; i < REQUESTS; i++) {
    messages[i] = handOver((message) => {
      for (let k = 0; k < entries.length; k++) message.set(entries[k][0], entries[k][1]);
    });
  }
  const used = cpuMicroseconds() - start;
  for (let i = 0; i < REQUESTS; i++) resume(i);
  finish();
  return used;
}

let fault = null;
function ourRound() {
  begin();
  const start = cpuMicroseconds();
  for (let i = 0; i < REQUESTS; i++) {
    messages[i] = handOver((carrier) => sent[i].inject(carrier));
    resume(i);
  }
  const used = cpuMicroseconds() - start;
  for (let i = 0; i < REQUESTS; i++) {
    const [here, there] = [sent[i], resumed[i]].map((each) => each.current()?.traceId);
    if (here === undefined || here !== there) fault ??= 'a request resumed is of another trace';
  }
  finish();
  return used;
}

async function sdkRound() {
  for (let i = 0; i < REQUESTS; i++) sent[i] = tracer.startSpan('gateway Req', {}, ROOT_CONTEXT);
  const start = cpuMicroseconds();
  for (let i = 0; i < REQUESTS; i++) {
    const message = handOver((carrier) => propagator.inject(trace.setSpan(ROOT_CONTEXT, sent[i]), carrier, setter));
    const parent = propagator.extract(ROOT_CONTEXT, message, getter);
    // Ours opens a request span and a thread span.
    const request = tracer.startSpan('prefill Req', {}, parent);
    resumed[i] = [request, tracer.startSpan('prefill', {}, trace.setSpan(parent, request))];
  }
  const used = cpuMicroseconds() - start;
  for (const span of [...sent, ...resumed.flat()]) span.end();
  await provider.forceFlush();
  return used;
}

/** Many rounds in a row, so that garbage is collected where it was made. @returns microseconds a request */
async function block(round) {
  let used = 0;
  for (let i = 0; i < ROUNDS; i++) used += await round();
  return used / (ROUNDS * REQUESTS);
}

const blocks = [];
for (let i = 0; i < WARM_UP_BLOCKS + BLOCKS; i++) {
  const times = { bare: await block(bareRound), ours: await block(ourRound), sdk: await block(sdkRound) };
  if (i >= WARM_UP_BLOCKS) blocks.push(times);
}
const { dropped } = threadWriter();
if (dropped > 0) fault ??= `the ring dropped ${dropped}`;
const microseconds = (of) => median(blocks.map(of));
const beside = microseconds(({ ours, bare }) => ours - bare);
const whole = microseconds(({ ours }) => ours).toFixed(2);
const nats = microseconds(({ bare }) => bare).toFixed(2);
const sdk = microseconds((times) => times.sdk - times.bare).toFixed(2);
const note = `${whole} us of CPU with ${nats} us of nats.js; OpenTelemetry's propagator and spans add ${sdk} us to it`;
printResults([atMost('tracing: us to inject and resume, beside NATS headers', beside, MAX_MICROSECONDS, note, fault)]);
await provider.shutdown();
