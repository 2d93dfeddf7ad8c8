import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { type OtlpReceiver, startOtlpReceiver } from '@sliceway/testing';
import { SharedControl } from '@sliceway/tracing/internal/recording/shared-control.js';
import { Word } from '@sliceway/tracing/internal/recording/record-format.js';
import { SpanWriter } from '@sliceway/tracing/internal/recording/span-writer.js';
import { Exporting, otlpTo, PATIENCE_MS, type Protocol, PROTOCOLS, record, TRACING_DIST } from './exporting.fixture.js';
import { until } from '../until.fixture.js';

/** How far the wall clock may be set while this runs. */
const CLOCK_STEP_MS = 10_000;

let exporting: Exporting;
let receiver: OtlpReceiver;
beforeEach(async () => {
  exporting = new Exporting();
  receiver = await startOtlpReceiver();
});
afterEach(async () => {
  await exporting.close();
  await receiver.close();
});

function environment(protocol: Protocol, more: Record<string, string> = {}): Record<string, string> {
  return { ...otlpTo(receiver, protocol), ...more };
}

const numbers = (name = 'span'): number[] =>
  receiver
    .spans()
    .filter((span) => span.name === name)
    .map(({ attributes }) => attributes['i'] as number)
    .sort((a, b) => a - b);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe.each(PROTOCOLS)('%s', (protocol) => {
  it('sends what is recorded, without being asked', async () => {
    const exporter = exporting.start(environment(protocol));
    expect(exporter.destinations).toEqual(['otlp']);
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    exporter.addRing(writer.buffer);
    const startMs = Date.now();
    record(writer, 3);
    const spans = await receiver.waitFor(({ length }) => length >= 3);
    expect(numbers()).toEqual([0, 1, 2]);
    for (const span of spans) {
      expect(span).toMatchObject({
        name: 'span',
        scope: 'sliceway',
        resource: { 'service.name': 'sliceway-test', 'service.instance.id': 'one' },
      });
      // Their `ts` is near 0: when this process's clock began.
      expect(Number(span.startNs / 1_000_000n)).toBeLessThan(startMs);
      expect(Number(span.startNs / 1_000_000n)).toBeGreaterThan(performance.timeOrigin - CLOCK_STEP_MS);
    }
    await until('counted', PATIENCE_MS, async () => exporter.stats().exported === 3);
    expect(exporter.stats()).toEqual({
      taken: 3,
      exported: 3,
      droppedRing: 0,
      droppedQueue: 0,
      droppedExport: 0,
      batches: 1,
      failures: 0,
    });
  });

  it('sends all in batches on flush, and nothing after shutdown', async () => {
    const exporter = exporting.start(
      environment(protocol, { OTEL_BSP_SCHEDULE_DELAY: '60000', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100' }),
    );
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    record(writer, 1010);
    expect(await exporter.flush()).toBe(true);
    expect(numbers()).toEqual(upTo(1010));
    expect(exporter.stats()).toMatchObject({ exported: 1010, batches: 11 });
    record(writer, 5, 'late');
    expect(await exporter.shutdown()).toBe(true);
    expect(numbers('late')).toEqual(upTo(5));
    // The exporter after this one will take it.
    record(writer, 5, 'too late');
    expect(await exporter.flush(50)).toBe(false);
    expect(await exporter.shutdown()).toBe(true);
    expect(numbers('too late')).toEqual([]);
  });

  it('headers and compression of the environment', async () => {
    const more = { OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=a%20b', OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'gzip' };
    const exporter = exporting.start(environment(protocol, more));
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    record(writer, 200);
    expect(await exporter.flush()).toBe(true);
    expect(numbers()).toEqual(upTo(200));
    expect(receiver.headers[0]).toMatchObject({
      'x-tenant': 'a b',
      'user-agent': expect.stringMatching(/^sliceway\//),
    });
    if (protocol === 'http/protobuf') expect(receiver.headers[0]).toMatchObject({ 'content-encoding': 'gzip' });
  });

  it('tries again what was not available', async () => {
    await receiver.setMode('unavailable');
    const exporter = exporting.start(environment(protocol));
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    record(writer, 3);
    await until('the first try', PATIENCE_MS, async () => receiver.requests === 1);
    await receiver.setMode('accept');
    expect(await exporter.flush()).toBe(true);
    expect(numbers()).toEqual([0, 1, 2]);
    expect(exporter.stats()).toMatchObject({ exported: 3, droppedExport: 0, failures: 0 });
  });

  it('counts what was rejected, and says so once', async () => {
    await receiver.setMode('reject');
    const exporter = exporting.start(environment(protocol));
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    record(writer, 3);
    await exporter.flush();
    record(writer, 4);
    await exporter.flush();
    expect(receiver.requests).toBe(2);
    expect(exporter.stats()).toMatchObject({ exported: 0, droppedExport: 7, failures: 2 });
    expect(exporting.logs).toEqual([expect.stringMatching(/^export to otlp: /)]);
  });

  it('counts what a partial success leaves out', async () => {
    await receiver.setMode('partial');
    const exporter = exporting.start(environment(protocol));
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    record(writer, 5);
    expect(await exporter.flush()).toBe(true);
    expect(exporter.stats()).toMatchObject({ exported: 4, droppedExport: 1, batches: 1, failures: 0 });
    expect(exporting.logs).toEqual([expect.stringMatching(/reject.*1.*one was odd/i)]);
  });

  it.each(['stall', 'trickle', 'refuse', 'unavailable'] as const)(
    '%s: the end comes in time, and the queue has its bound',
    async (mode) => {
      await receiver.setMode(mode);
      const exporter = exporting.start(
        environment(protocol, { OTEL_BSP_MAX_QUEUE_SIZE: '100', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' }),
      );
      const writer = new SpanWriter();
      exporter.addRing(writer.buffer);
      record(writer, 1000);
      // 40 are under way, 100 wait.
      await until('drops', PATIENCE_MS, async () => exporter.stats().droppedQueue === 860);
      const startMs = performance.now();
      expect(await exporter.flush(100)).toBe(false);
      expect(exporter.stats()).toMatchObject({ exported: 0, droppedQueue: 860, droppedRing: 0, droppedExport: 0 });
      expect(await exporter.shutdown(100)).toBe(false);
      expect(performance.now() - startMs).toBeLessThan(2000);
      expect(exporter.stats()).toMatchObject({ taken: 1000, exported: 0, droppedQueue: 860, droppedExport: 140 });
      expect(exporting.logs).toContain('shutdown: 140 spans that the exporter had were not sent');
    },
  );

  it('what counts as dropped is not sent later', async () => {
    await receiver.setMode('unavailable');
    const exporter = exporting.start(environment(protocol, { OTEL_BSP_EXPORT_TIMEOUT: '300' }));
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    record(writer, 3);
    await until('given up', PATIENCE_MS, async () => exporter.stats().droppedExport === 3);
    const { requests } = receiver;
    await receiver.setMode('accept');
    // The first retry would come 1.2 s after the first try at the latest.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(receiver.requests).toBe(requests);
    expect(receiver.spans()).toEqual([]);
  });

  it('goes on when the receiver is back', async () => {
    const exporter = exporting.start(environment(protocol));
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    await receiver.setMode('refuse');
    record(writer, 3);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await receiver.setMode('accept');
    record(writer, 3, 'span', 3);
    await receiver.waitFor(({ length }) => length >= 6);
    expect(numbers()).toEqual(upTo(6));
  });
});

it('an endpoint in the options counts more than the one of the environment', async () => {
  const exporter = exporting.start(
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' },
    { endpoint: receiver.httpUrl },
  );
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 1);
  expect(await exporter.flush()).toBe(true);
  expect(receiver.spans()).toHaveLength(1);
});

it('the endpoint for traces is the whole address', async () => {
  const exporter = exporting.start({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.httpUrl}/v1/traces` });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 1);
  expect(await exporter.flush()).toBe(true);
  expect(receiver.spans()).toHaveLength(1);
});

it('resource attributes of the environment come on top', async () => {
  const exporter = exporting.start(
    environment('http/protobuf', {
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=a%2Cb',
      OTEL_SERVICE_NAME: 'other',
    }),
  );
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 1);
  const [span] = await receiver.waitFor(({ length }) => length === 1);
  expect(span!.resource).toEqual({
    'service.name': 'other',
    'service.instance.id': 'one',
    'deployment.environment.name': 'a,b',
  });
});

it('answers within the time of an export that never does', async () => {
  await receiver.setMode('stall');
  const exporter = exporting.start(environment('http/protobuf', { OTEL_BSP_EXPORT_TIMEOUT: '100' }));
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 2);
  await until('given up', PATIENCE_MS, async () => exporter.stats().failures === 1);
  expect(exporter.stats()).toMatchObject({ exported: 0, droppedExport: 2 });
  await until('said', PATIENCE_MS, async () => exporting.logs.length > 0);
  expect(exporting.logs).toEqual(['export to otlp: no answer within 100 ms']);
});

it('what is given up takes nothing else with it', async () => {
  const answers: ServerResponse[] = [];
  // The first is never answered, the second soon: both are under way when the first one's time is over.
  const server = createServer((request, response) => {
    request.resume();
    if (answers.push(response) === 2) setTimeout(() => response.end(), 300);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` };
    const exporter = exporting.start({ ...endpoint, OTEL_BSP_EXPORT_TIMEOUT: '1000' });
    const writer = new SpanWriter();
    exporter.addRing(writer.buffer);
    record(writer, 1);
    await until('the first', PATIENCE_MS, async () => answers.length === 1);
    await new Promise((resolve) => setTimeout(resolve, 800));
    record(writer, 1);
    expect(await exporter.flush()).toBe(true);
    expect(exporter.stats()).toMatchObject({ exported: 1, droppedExport: 1 });
    expect(answers).toHaveLength(2);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('a full ring is counted', async () => {
  const exporter = exporting.start(environment('http/protobuf', { OTEL_BSP_SCHEDULE_DELAY: '300' }));
  const writer = new SpanWriter(1 << 14);
  record(writer, 2000);
  expect(writer.dropped).toBeGreaterThan(0);
  exporter.addRing(writer.buffer);
  expect(await exporter.flush()).toBe(true);
  const { exported, droppedRing } = exporter.stats();
  expect(droppedRing).toBe(writer.dropped);
  expect(exported).toBe(receiver.spans().length);
  expect(exported + droppedRing).toBe(2000);
});

it('a ring that fills is looked at before its time', async () => {
  const exporter = exporting.start(environment('http/protobuf', { OTEL_BSP_SCHEDULE_DELAY: '60000' }));
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  const words = new Int32Array(writer.buffer);
  const isRead = (): boolean => Atomics.load(words, Word.read) === Atomics.load(words, Word.written);
  let soonestMs = Infinity;
  for (let i = 0; i < 5; i++) {
    // From here on the next look is half a second away.
    record(writer, 1);
    await until('looked at', PATIENCE_MS, async () => isRead());
    const startMs = performance.now();
    // More than a quarter of the ring.
    record(writer, 3000);
    await until('looked at', PATIENCE_MS, async () => isRead());
    soonestMs = Math.min(soonestMs, performance.now() - startMs);
  }
  expect(soonestMs).toBeLessThan(300);
  expect(await exporter.flush()).toBe(true);
  expect(writer.dropped).toBe(0);
});

/** Records with the ring of a thread of its own, which announces itself. */
function threadThatRecords(name: string): Worker {
  const dist = TRACING_DIST;
  const source = `import { parentPort } from 'node:worker_threads';
    const { threadWriter } = await import(${JSON.stringify(`${dist}recording/thread-writer.js`)});
    const writer = threadWriter();
    parentPort.on('message', (count) => {
      for (let i = 0; i < count; i++) {
        writer.begin(writer.nameId(${JSON.stringify(name)}), 1, 2, new Int32Array(10).fill(i + 1), 1, -1, 1);
        writer.commit();
      }
      parentPort.postMessage('done');
    });
    parentPort.postMessage('ready');`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
}

const message = (worker: Worker): Promise<unknown> => new Promise((resolve) => worker.once('message', resolve));

it.each(['flush', 'shutdown'] as const)(
  'takes the ring of a thread that ended while it started: %s',
  async (method) => {
    const exporter = exporting.start(environment('http/protobuf'));
    const worker = threadThatRecords('short');
    await message(worker);
    worker.postMessage(3);
    await message(worker);
    const isDone = exporter[method]();
    await worker.terminate();
    expect(await isDone).toBe(true);
    expect(receiver.spans().filter(({ name }) => name === 'short')).toHaveLength(3);
  },
);

it('takes the rings of all threads, started before it and after it, each once', async () => {
  SharedControl.ofProcess().enabled = true;
  const before = threadThatRecords('before');
  await message(before);
  before.postMessage(2);
  await message(before);
  const exporter = exporting.start(environment('http/protobuf'));
  await receiver.waitFor((spans) => spans.some(({ name }) => name === 'before'));
  const after = threadThatRecords('after');
  await message(after);
  before.postMessage(3);
  after.postMessage(4);
  await receiver.waitFor((spans) => spans.filter(({ name }) => name === 'before' || name === 'after').length === 9);
  await exporter.flush();
  expect(receiver.spans().filter(({ name }) => name === 'before')).toHaveLength(5);
  expect(receiver.spans().filter(({ name }) => name === 'after')).toHaveLength(4);
  await Promise.all([before.terminate(), after.terminate()]);
});

it('the next exporter knows the names that the one before it was told', async () => {
  const writer = new SpanWriter();
  const first = exporting.start(environment('http/protobuf'));
  first.addRing(writer.buffer);
  record(writer, 1, 'known');
  expect(await first.flush()).toBe(true);
  expect(await first.shutdown()).toBe(true);
  record(writer, 1, 'known');
  const second = exporting.start(environment('http/protobuf'));
  second.addRing(writer.buffer);
  expect(await second.flush()).toBe(true);
  expect(receiver.spans().filter(({ name }) => name === 'known')).toHaveLength(2);
});
