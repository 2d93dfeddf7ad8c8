// All CPU time of a process for each slice that it records and exports over OTLP/HTTP: this library against OpenTelemetry's SDK with
// batches of the same size, in turn, each in a process of its own, to a receiver in another.
// Usage: node export.mjs   prints a JSON array of { name, value, bound, holds, note }.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { atMost, median, printResults } from './compare.mjs';

const BATCHES = [64, 512];
const PAIRS = 3;
const MAX_RATIO = 0.5;

const run = promisify(execFile);
const path = (script) => fileURLToPath(new URL(script, import.meta.url));

const receiver = fork(path('receiver.mjs'));
const [{ port }] = await once(receiver, 'message');

async function received() {
  receiver.send('counts');
  return (await once(receiver, 'message'))[0];
}

/** @returns microseconds a slice, and what is wrong with what was received; null if nothing is */
async function measure(subject, batch) {
  const before = await received();
  const env = { ...process.env, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: String(batch) };
  const { stdout } = await run(
    process.execPath,
    [path('export-subject.mjs'), subject, String(batch), `http://127.0.0.1:${port}`],
    { env },
  );
  const { microseconds, slices, requests } = JSON.parse(stdout);
  const after = await received();
  const [came, right] = [after.slices - before.slices, after.right - before.right];
  // Ours has nothing to link the first slice of a request to, and the last is cut short.
  const isWhole = came === slices && right >= slices - 2 * requests;
  const fault = isWhole ? null : `${subject} recorded ${slices} slices, ${came} came and ${right} were right`;
  return { microseconds, fault, bytes: (after.bytes - before.bytes) / slices };
}

const results = [];
for (const batch of BATCHES) {
  const pairs = [];
  for (let i = 0; i < PAIRS; i++) pairs.push({ ours: await measure('ours', batch), sdk: await measure('sdk', batch) });
  const fault = pairs.flatMap(({ ours, sdk }) => [ours.fault, sdk.fault]).find((each) => each !== null) ?? null;
  const of = (key) => median(pairs.map((pair) => pair[key].microseconds)).toFixed(2);
  const ratio = median(pairs.map(({ ours, sdk }) => ours.microseconds / sdk.microseconds));
  const note = `${of('ours')} us against ${of('sdk')} us, ${pairs[0].ours.bytes.toFixed(0)} bytes a slice`;
  results.push(atMost(`tracing: CPU a slice, batches of ${batch}, against the SDK's`, ratio, MAX_RATIO, note, fault));
}
receiver.disconnect();
printResults(results);
