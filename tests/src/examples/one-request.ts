import { initTracing, registerThread, startRequest } from '@sliceway/tracing';

// Before anything else: where spans go is said by OTEL_EXPORTER_OTLP_ENDPOINT and its relatives.
const tracing = initTracing({ serviceName: 'resizer' });
registerThread({ label: 'main' });

async function handle(rid: string, work: () => Promise<number>): Promise<void> {
  const trace = startRequest({ rid, role: 'resizer' });
  try {
    trace.sliceStart('load');
    const bytes = await work();
    trace.sliceEnd('load', { attributes: { bytes } });
    trace.sliceStart('resize');
    trace.event('cache_miss', { width: 640 });
    await work();
    trace.sliceEnd('resize');
    trace.finish();
  } catch (error) {
    // Whatever is open ends here, with the reason.
    trace.abort((error as Error).message);
  }
}

await handle('5a1f00d0', () => Promise.resolve(4096));
await handle('5a1f00d1', () => Promise.reject(new Error('no such image')));
await tracing.shutdown(2000);
