import { batchStep, initTracing, now, registerThread, sliceBatch, startRequest } from '@sliceway/tracing';

const tracing = initTracing({ serviceName: 'resizer', level: 3 });
const thread = registerThread({ label: 'gpu' });
const traces = ['5a1f00d3', '5a1f00d4'].map((rid) => startRequest({ rid, role: 'resizer' }));
for (const trace of traces) trace.sliceStart('resize');

for (let bid = 0; bid < 3; bid++) {
  const startTs = now();
  // … one kernel for all images …
  const endTs = now();
  const attributes = { bid, batch_size: traces.length };
  // One span for the step, not one a member; each member's slice links to it. Nothing happens where no member is traced.
  const batch = batchStep({ thread, startTs, endTs, attributes, members: traces });
  sliceBatch('tile', traces, startTs, endTs, { level: 3, batch });
}

for (const trace of traces) {
  trace.sliceEnd('resize');
  trace.finish();
}
await tracing.shutdown(2000);
