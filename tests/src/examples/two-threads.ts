import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { initTracing, recordCarrier, registerThread, resumeRequest, startRequest } from '@sliceway/tracing';

if (isMainThread) {
  const tracing = initTracing({ serviceName: 'resizer' });
  registerThread({ label: 'main' });
  const worker = new Worker(new URL(import.meta.url));
  const trace = startRequest({ rid: '5a1f00d2', role: 'resizer' });
  trace.sliceStart('dispatch', { level: 1 });
  // `headers` may as well travel in a NATS message or an HTTP request: MsgHdrs, Headers and Map are carriers as they are.
  const headers: Record<string, string> = {};
  trace.inject(recordCarrier(headers));
  worker.postMessage(headers);
  trace.sliceEnd('dispatch');
  await new Promise((resolve) => worker.once('message', resolve));
  trace.finish();
  await tracing.shutdown(2000);
  await worker.terminate();
} else {
  registerThread({ label: 'resize', tpRank: 0 });
  parentPort!.on('message', (headers: Record<string, string>) => {
    // The same role: a further thread under the same request. Another role would be another service's own request span.
    const trace = resumeRequest(recordCarrier(headers), { rid: '5a1f00d2', role: 'resizer' });
    trace.sliceStart('resize', { level: 1 });
    trace.sliceEnd('resize');
    trace.finish();
    parentPort!.postMessage('done');
  });
}
