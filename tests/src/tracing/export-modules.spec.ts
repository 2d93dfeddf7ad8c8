import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Exporter } from '@sliceway/tracing/internal/export/start-exporter.js';
import { SharedControl } from '@sliceway/tracing/internal/recording/shared-control.js';
import { SpanWriter } from '@sliceway/tracing/internal/recording/span-writer.js';
import { Exporting, PATIENCE_MS, record } from './exporting.fixture.js';
import { writeSpan } from './span-recipe.fixture.js';
import { until } from '../until.fixture.js';

let exporting: Exporting;
beforeEach(() => {
  exporting = new Exporting();
});
afterEach(() => exporting.close());

/** A module in the test's directory; `say` adds a line to a file that `said` reads. */
function module(name: string, source: string): string {
  const path = join(exporting.directory, name);
  const file = JSON.stringify(join(exporting.directory, 'said'));
  const isCommon = name.endsWith('.cjs');
  const load = isCommon
    ? `const { appendFileSync } = require('node:fs');`
    : `import { appendFileSync } from 'node:fs';`;
  writeFileSync(
    path,
    `${load}\nconst say = (value) => appendFileSync(${file}, JSON.stringify(value) + '\\n');\n${source}`,
  );
  writeFileSync(join(exporting.directory, 'said'), '');
  return path;
}

function said(): unknown[] {
  const lines = readFileSync(join(exporting.directory, 'said'), 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => JSON.parse(line) as unknown);
}

const PROCESSOR = `class Mine {
    onStart(span) { say('started ' + span.name); }
    onEnd(span) {
      const { name, kind, attributes, startTime, duration, ended, resource, instrumentationScope } = span;
      say({ name, kind, i: attributes.i, duration, ended, service: resource.attributes['service.name'],
        scope: instrumentationScope.name, ids: span.spanContext(), parent: span.parentSpanContext ?? null,
        isTime: startTime[0] > 1.7e9 });
    }
    async forceFlush() { say('flushed'); }
    async shutdown() { say('shut down'); }
  }`;

it.each([
  ['a default class', 'a.mjs', `export default ${PROCESSOR}`],
  [
    'a named class',
    'b.mjs',
    `export const unrelated = 3;\nexport function helper() { throw new Error('not for you'); }\nexport ${PROCESSOR}`,
  ],
  ['an instance', 'c.mjs', `${PROCESSOR}\nexport default new Mine();`],
  ['a factory', 'd.mjs', `${PROCESSOR}\nexport default async () => new Mine();`],
  ['CommonJS', 'e.cjs', `${PROCESSOR}\nmodule.exports = { Mine };`],
])('a SpanProcessor: %s', async (_, name, source) => {
  const path = module(name, source);
  const exporter = exporting.start({ SLICEWAY_TRACE_PROCESSOR: path });
  expect(exporter.destinations).toEqual([path]);
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 1);
  expect(await exporter.flush()).toBe(true);
  expect(await exporter.shutdown()).toBe(true);
  expect(said()).toEqual([
    'started span',
    {
      name: 'span',
      kind: 0,
      i: 0,
      duration: [0, 1],
      ended: true,
      service: 'sliceway-test',
      scope: 'sliceway',
      ids: { traceId: '01000000020000000300000004000000', spanId: '0100000006000000', traceFlags: 1 },
      parent: null,
      isTime: true,
    },
    'flushed',
    'shut down',
  ]);
  expect(exporter.stats()).toMatchObject({ exported: 1, failures: 0 });
  expect(exporting.logs).toEqual([]);
});

it('onStart of a SpanProcessor may write to a span, and is told its parent', async () => {
  const path = module(
    'writes.mjs',
    `const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
    export default {
      onStart(span, parent) {
        say(parent.getValue(SPAN)?.spanContext().spanId ?? null);
        if (span.isRecording()) span.setAttribute('a', 1).setAttributes({ b: 2 }).updateName('other').setStatus({ code: 1 });
        span.addEvent('event').addLink({}).addLinks([]).recordException(new Error('not ours'));
        span.end();
      },
      onEnd({ name, attributes, status, events }) { say({ name, attributes, status, events }); },
      async forceFlush() {}, async shutdown() {},
    };`,
  );
  const exporter = exporting.start({ SLICEWAY_TRACE_PROCESSOR: path });
  const span = { traceId: '1f'.repeat(16), name: 'span', kind: 1, startTs: 1, endTs: 2, events: [], links: [] };
  const spans = [
    { ...span, spanId: 'a0'.repeat(8), attributes: { b: 1, c: 3 } },
    { ...span, spanId: 'a1'.repeat(8), parentSpanId: 'a0'.repeat(8), attributes: {} },
  ];
  exporter.addRing(writeSpan(spans, SharedControl.ofProcess().epoch));
  expect(await exporter.flush()).toBe(true);
  const written = (attributes: object): object => ({ name: 'other', attributes, status: { code: 1 }, events: [] });
  expect(said()).toEqual([null, written({ a: 1, b: 2, c: 3 }), 'a0'.repeat(8), written({ a: 1, b: 2 })]);
  expect(exporter.stats()).toMatchObject({ exported: 2, failures: 0 });
});

it("OpenTelemetry's BatchSpanProcessor", async () => {
  const sdk = createRequire(import.meta.url).resolve('@opentelemetry/sdk-trace-base');
  const path = module(
    'batches.mjs',
    `import sdk from ${JSON.stringify(pathToFileURL(sdk).href)};
    export default new sdk.BatchSpanProcessor({
      export(spans, done) { say(spans.map(({ attributes }) => attributes.i)); done({ code: 0 }); },
      async shutdown() { say('shut down'); },
    });`,
  );
  const exporter = exporting.start({ SLICEWAY_TRACE_PROCESSOR: path });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 3);
  expect(await exporter.shutdown()).toBe(true);
  expect(said()).toEqual([[0, 1, 2], 'shut down']);
});

it('a SpanExporter gets batches', async () => {
  const path = module(
    'exporter.mjs',
    `export class Mine {
      export(spans, done) { say(spans.map(({ attributes }) => attributes.i)); done({ code: 0 }); }
      async shutdown() { say('shut down'); }
    }`,
  );
  const exporter = exporting.start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '2' }, { exporter: path });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 5);
  expect(await exporter.shutdown()).toBe(true);
  expect(said()).toEqual([[0, 1], [2, 3], [4], 'shut down']);
  expect(exporter.stats()).toMatchObject({ exported: 5, batches: 3 });
});

it.each([
  ['onEnd throws', `onEnd() { throw new Error('odd'); }`, /: odd$/],
  ['a stray rejection', `onEnd() { Promise.reject(new Error('stray')); }`, /^exporter thread: stray$/],
  ['a stray throw', `onEnd() { setImmediate(() => { throw new Error('stray'); }); }`, /^exporter thread: stray$/],
  ['forceFlush throws', `onEnd() {} forceFlush() { throw new Error('no flush'); }`, /: no flush$/],
])('a SpanProcessor that fails is counted and named once: %s', async (_, methods, message) => {
  const path = module(
    'throws.mjs',
    `export default { async forceFlush() {}, async shutdown() {}, ${methods.replace('} forceFlush', '}, forceFlush')} };`,
  );
  const exporter = exporting.start({ SLICEWAY_TRACE_PROCESSOR: path });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 3);
  expect(await exporter.flush()).toBe(true);
  expect(await exporter.flush()).toBe(true);
  await until('counted', PATIENCE_MS, async () => exporter.stats().failures > 1);
  expect(exporting.logs).toEqual([expect.stringMatching(message)]);
});

it('a SpanExporter that fails, or throws, or never answers', async () => {
  const path = module(
    'fails.mjs',
    `let calls = 0;
    export default {
      export(spans, done) {
        calls++;
        if (calls === 1) done({ code: 1, error: new Error('full') });
        else if (calls === 2) throw new Error('odd');
      },
      async shutdown() {},
    };`,
  );
  const exporter = exporting.start(
    { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1', OTEL_BSP_EXPORT_TIMEOUT: '50' },
    { exporter: path },
  );
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 3);
  expect(await exporter.flush()).toBe(true);
  expect(exporter.stats()).toMatchObject({ exported: 0, droppedExport: 3, failures: 3 });
  expect(exporting.logs).toEqual([expect.stringMatching(/: full$/)]);
});

it.each([
  ['is not there', 'none.mjs', null, /Cannot find module/],
  ['has nothing', 'nothing.mjs', 'export const a = 1;', /exports nothing with a method "onEnd"/],
  ['throws', 'broken.mjs', `throw new Error('broken');`, /: broken$/],
  [
    'has a default class that throws',
    'cannot.mjs',
    `export default class { constructor() { throw new Error('cannot'); } onEnd() {} }`,
    /: cannot$/,
  ],
])('a module that %s', async (_, name, source, message) => {
  const path = source === null ? join(exporting.directory, name) : module(name, source);
  const exporter = exporting.start({ SLICEWAY_TRACE_PROCESSOR: path });
  await until('logged', PATIENCE_MS, async () => exporting.logs.length > 0);
  expect(exporting.logs).toEqual([expect.stringMatching(message)]);
  expect(exporter.stats().failures).toBe(1);
  expect(await exporter.shutdown()).toBe(true);
});

describe('a module that ends the thread as it is loaded', () => {
  const start = (): Exporter =>
    exporting.start({ SLICEWAY_TRACE_PROCESSOR: module('ends.mjs', `say('loaded'); process.exit(3);`) });

  it('is loaded four times, then nothing is recorded, and the log says so', async () => {
    const exporter = start();
    const control = SharedControl.ofProcess();
    control.enabled = true;
    await until('given up', PATIENCE_MS, async () => !control.enabled);
    expect(said()).toHaveLength(4);
    expect(exporter.stats().failures).toBe(4);
    expect(exporting.logs).toEqual(['exporter thread died 4 times: nothing is traced any more']);
    expect(await exporter.flush()).toBe(false);
    expect(await exporter.shutdown()).toBe(false);
  });

  it('is not loaded again after the end', async () => {
    const exporter = start();
    await until('died', PATIENCE_MS, async () => exporter.stats().failures === 1);
    expect(await Promise.all([exporter.shutdown(), exporter.shutdown()])).toEqual([false, false]);
    // It would be after a second.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(said()).toEqual(['loaded']);
  });
});

it('a module that ends the thread does not end the process: the thread starts again', async () => {
  const path = module(
    'exits.mjs',
    `import { existsSync } from 'node:fs';
    export default {
      onEnd(span) {
        if (span.attributes.i === 0) process.exit(3);
        say(span.name + span.attributes.i);
      },
      async forceFlush() {}, async shutdown() {},
    };`,
  );
  const exporter = exporting.start({ SLICEWAY_TRACE_PROCESSOR: path });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 1, 'bad');
  await until('died', PATIENCE_MS, async () => exporter.stats().failures === 1);
  record(writer, 1, 'good', 1);
  await until('goes on', PATIENCE_MS, async () => said().length > 0);
  expect(said()).toEqual(['good1']);
  expect(exporter.stats()).toMatchObject({ exported: 1, droppedExport: 1, failures: 1 });
});

it('counts what the exporter had when it died, and what it was at', async () => {
  const path = module(
    'holds.mjs',
    `export default {
      export(spans) {
        if (spans.some(({ attributes }) => attributes.i === 5)) process.exit(3);
        say('waits');
      },
    };`,
  );
  const exporter = exporting.start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '3' }, { exporter: path });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 3);
  await until('sent', PATIENCE_MS, async () => said().length > 0);
  record(writer, 3, 'span', 3);
  // The last one by the next exporter, which passes it over.
  await until('counted', PATIENCE_MS, async () => exporter.stats().droppedExport === 6);
  expect(exporter.stats()).toMatchObject({ taken: 6, exported: 0, failures: 1 });
});

it('an exporter that ends its thread at the end was not shut down: what it had is counted, and the log says so', async () => {
  const path = module('quits.mjs', `export default { export() { process.exit(0); } };`);
  const exporter = exporting.start({}, { exporter: path });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 3);
  expect(await exporter.shutdown()).toBe(false);
  expect(exporter.stats()).toMatchObject({ taken: 3, exported: 0, droppedExport: 3 });
  expect(exporting.logs).toEqual(['shutdown: 3 spans that the exporter had were not sent']);
});
