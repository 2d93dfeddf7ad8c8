import { hostname } from 'node:os';
import { type OtlpReceiver, startOtlpReceiver } from '@sliceway/testing';
import { VERSION } from '@sliceway/tracing/internal/export/version.js';
import { otlpTo, runProgram } from './exporting.fixture.js';

let receiver: OtlpReceiver;
beforeEach(async () => void (receiver = await startOtlpReceiver()));
afterEach(() => receiver.close());

/** Runs a process that uses the library as anyone does: `request` is a trace of a slice that is open. */
async function run(source: string, more: Record<string, string> = {}): Promise<void> {
  const program = `
    const { initTracing, startRequest } = await load('index.js');
    const tracing = initTracing({ serviceName: 'resizer', resource: { 'process.runtime.name': 'mine' } });
    const request = startRequest({ rid: '5a1f00d0', role: 'resizer' });
    request.sliceStart('resize', { level: 1 });
    ${source}`;
  const { code, stderr } = await runProgram(program, { ...otlpTo(receiver, 'http/protobuf'), ...more });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

it('the resource says which process of which host recorded, and with what; options and environment count more', async () => {
  await run(`request.finish(); await tracing.shutdown();`, { OTEL_RESOURCE_ATTRIBUTES: 'process.pid=7' });
  expect(receiver.spans()[0]!.resource).toEqual({
    'service.name': 'resizer',
    'host.name': hostname(),
    'process.pid': '7',
    'process.runtime.name': 'mine',
    'process.runtime.version': process.versions.node,
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': '@sliceway/tracing',
    'telemetry.sdk.version': VERSION,
  });
});

it.each([
  ['shutdown', ''],
  ['nats_closed', "2000, 'nats_closed'"],
])('the end closes requests that are live, with the reason %s', async (message, how) => {
  await run(`await tracing.shutdown(${how}); request.sliceEnd('resize'); request.finish();`);
  const spans = receiver.spans();
  expect(spans.map(({ name }) => name.replace(/ .*/, '')).sort()).toEqual(['Bootstrap', 'main', 'resize', 'resizer']);
  for (const { status } of spans) expect(status).toEqual({ code: 2, message });
});
