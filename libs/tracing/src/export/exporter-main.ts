import { parentPort, workerData } from 'node:worker_threads';
import { SharedControl } from '../recording/shared-control.js';
import { SGLANG_NAMES } from '../sglang-names.js';
import { AnnouncedRings } from './announced-rings.js';
import { createSinks } from './create-sinks.js';
import { updateOrigin } from './estimate-origin.js';
import { ExportStats } from './export-stats.js';
import { RingDrainer } from './ring-drainer.js';
import { LogOnce } from './log-once.js';
import { type KnownRing, RingSet } from './ring-set.js';
import type { ExporterThreadData, FromExporterThread, ToExporterThread } from './thread-messages.js';

// What the exporter's worker thread runs.

const ESTIMATE_MS = 10_000;
const ASK_MS = 60_000;
/** Rings are looked at as often as batches are due, within these limits; whoever fills one half asks for a look between. */
const MIN_LOOK_MS = 10;
const MAX_LOOK_MS = 500;

const data = workerData as ExporterThreadData;
const port = parentPort!;
const post = (message: FromExporterThread): void => port.postMessage(message);
const log = new LogOnce((message) => post({ type: 'log', message }));
const control = new SharedControl(data.control);
const stats = new ExportStats(data.stats);
const rings = new RingSet(data.firstRingId, data.droppedOfEnded);
for (const { buffer, names, ...ring } of data.rings) rings.add(buffer, { ...ring, names: [...names] });

// A user's module, and what it loads, may do anything; this thread goes on.
const onStray = (error: unknown): void => {
  stats.add('failures');
  log.error('exporter thread', error);
};
process.on('uncaughtException', onStray);
process.on('unhandledRejection', onStray);

function addRing(buffer: SharedArrayBuffer, answers: boolean): void {
  const ring = rings.add(buffer, { answers });
  if (ring !== null) post({ type: 'ring', id: ring.id, buffer, answers });
}

const announced = new AnnouncedRings((buffer) => addRing(buffer, true));
announced.ask();

const sinks = await createSinks({
  ...data,
  control,
  stats,
  onError: (destination, error) => log.error(`export to ${destination}`, error),
  onWarning: (message) => log.warn(message),
});
const drainer = new RingDrainer({
  control,
  stats,
  resource: data.resource,
  rings,
  sinks,
  names: data.sglangNames ? SGLANG_NAMES : null,
  limits: data.spanLimits,
  onNames: ({ id }: KnownRing, names) => post({ type: 'names', id, names }),
  onError: (error) => log.error('export', error),
});

if (data.isRestart) drainer.passOver();
const lookMs = Math.min(Math.max(data.context.scheduleDelayMs, MIN_LOOK_MS), MAX_LOOK_MS);
const timers = [
  setInterval(() => drainer.drain(), lookMs),
  setInterval(() => updateOrigin(control), ESTIMATE_MS),
  setInterval(() => {
    for (const { id, reader } of rings.age()) post({ type: 'ringEnded', id, dropped: reader.dropped });
    announced.ask();
  }, ASK_MS),
];

void lookWhenAsked();
async function lookWhenAsked(): Promise<never> {
  for (let asked = 0; ; drainer.drain()) asked = await control.lookAsked(asked);
}

async function shutdown(): Promise<void> {
  timers.forEach(clearInterval);
  await drainer.shutdown();
  announced.close();
  process.exit();
}

port.on('message', (message: ToExporterThread) => {
  if (message.type === 'ring') addRing(message.buffer, message.answers);
  else if (message.type === 'shutdown') void shutdown();
  else void drainer.flush().then(() => post({ type: 'flushed', id: message.id }));
});
