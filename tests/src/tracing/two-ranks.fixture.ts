/** A program: one request of an engine, computed by two worker threads at once, each a rank of its own. */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { initTracing, now, recordCarrier, registerThread, resumeRequest, startRequest } from '@sliceway/tracing';

const REQUEST = { rid: 'a1b2c3d4e5f60718293a4b5c6d7e8f90', role: 'engine' };
const RANKS = [0, 1];
const LAYERS = 3;
const FLUSH_MS = 5000;

async function request(): Promise<void> {
  const tracing = initTracing({ serviceName: 'sliceway-engine', serviceInstanceId: '0000000a' });
  registerThread({ label: 'scheduler' });
  const workers = RANKS.map((rank) => new Worker(new URL(import.meta.url), { workerData: rank }));
  const startTs = now();
  const trace = startRequest({ ...REQUEST, bootstrapRoom: '0123456789abcdef', ts: startTs });
  trace.sliceStart('split', { ts: startTs });
  const headers: Record<string, string> = {};
  trace.inject(recordCarrier(headers));
  for (const worker of workers) worker.postMessage(headers);
  const sentTs = now();
  trace.sliceEnd('split', { ts: sentTs });
  trace.sliceStart('gather', { ts: sentTs });
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const endTs = now();
  trace.sliceEnd('gather', { ts: endTs });
  trace.finish({ ts: endTs });
  await tracing.shutdown(FLUSH_MS);
  await Promise.all(workers.map((worker) => worker.terminate()));
}

function computeShards(tpRank: number): void {
  registerThread({ label: 'engine', tpRank });
  parentPort!.once('message', (headers: Record<string, string>) => {
    let ts = now();
    const trace = resumeRequest(recordCarrier(headers), { ...REQUEST, ts });
    for (let layer = 0; layer < LAYERS; layer++) {
      trace.sliceStart('shard', { ts });
      trace.slice('all_reduce', ts, now());
      ts = now();
      trace.sliceEnd('shard', { ts, attributes: { layer } });
    }
    trace.finish({ ts });
    parentPort!.postMessage('done');
  });
}

if (isMainThread) await request();
else computeShards(workerData as number);
