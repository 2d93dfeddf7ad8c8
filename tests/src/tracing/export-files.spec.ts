import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SpanWriter } from '@sliceway/tracing/internal/recording/span-writer.js';
import { Exporting, record, runProgram } from './exporting.fixture.js';

let exporting: Exporting;
beforeEach(() => {
  exporting = new Exporting();
});
afterEach(() => exporting.close());

interface Line {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string }[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly {
        readonly name: string;
        readonly attributes: readonly { value: { intValue: string } }[];
      }[];
    }[];
  }[];
}

function lines(file: string): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line);
}

const numbersOf = (all: readonly Line[]): string[] =>
  all.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map((span) => span.attributes[0]!.value.intValue)),
    ),
  );

it('nothing says where: spans go into a file in the directory for it', async () => {
  const directory = join(exporting.directory, 'made', 'on', 'demand');
  const exporter = exporting.start({ SLICEWAY_TRACE_DIRECTORY: directory });
  expect(exporter.destinations).toEqual(['otlp_file']);
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 2);
  await exporter.flush();
  record(writer, 1, 'span', 2);
  await exporter.flush();
  expect(readdirSync(directory)).toEqual([`traces-sliceway_test-one-${process.pid}.jsonl`]);
  const written = lines(join(directory, readdirSync(directory)[0]!));
  expect(written).toHaveLength(2);
  expect(numbersOf(written)).toEqual(['0', '1', '2']);
  expect(exporter.stats()).toMatchObject({ exported: 3, batches: 2, failures: 0 });
});

it('keeps to its bound: the newest lines, whole', async () => {
  const fallbackFile = { directory: exporting.directory, maxBytes: 20_000, maxFiles: 3 };
  const exporter = exporting.start({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10' }, { fallbackFile });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  record(writer, 1000);
  expect(await exporter.flush()).toBe(true);
  const base = `traces-sliceway_test-one-${process.pid}`;
  const files = [`${base}.2.jsonl`, `${base}.1.jsonl`, `${base}.jsonl`].map((name) => join(exporting.directory, name));
  expect(readdirSync(exporting.directory)).toHaveLength(3);
  for (const file of files) expect(statSync(file).size).toBeLessThanOrEqual(20_000);
  const numbers = files.flatMap((file) => numbersOf(lines(file))).map(Number);
  expect(numbers.length).toBeGreaterThan(100);
  expect(numbers.length).toBeLessThan(1000);
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => 1000 - numbers.length + i));
});

it('a directory that cannot be written is counted and named once', async () => {
  const file = join(exporting.directory, 'a-file');
  writeFileSync(file, '');
  const exporter = exporting.start({ SLICEWAY_TRACE_DIRECTORY: join(file, 'below') });
  const writer = new SpanWriter();
  exporter.addRing(writer.buffer);
  for (let i = 0; i < 2; i++) {
    record(writer, 2);
    expect(await exporter.flush()).toBe(true);
  }
  expect(exporter.stats()).toMatchObject({ exported: 0, droppedExport: 4, failures: 2 });
  expect(exporting.logs).toEqual([expect.stringMatching(/^export to otlp_file: .*ENOTDIR/)]);
});

it('deletes the oldest files of processes that have ended, and nothing else', async () => {
  const name = (pid: number, more = ''): string =>
    join(exporting.directory, `traces-sliceway_test-x-${pid}${more}.jsonl`);
  // No process has such a number.
  const ended = Array.from({ length: 20 }, (_, i) => name(0x7fff0000 + i));
  ended.forEach((file, i) => {
    writeFileSync(file, '');
    utimesSync(file, 1000 + i, 1000 + i);
  });
  const kept = [name(process.ppid), name(process.ppid, '.1'), join(exporting.directory, 'mine.jsonl')];
  for (const file of kept) {
    writeFileSync(file, '');
    utimesSync(file, 1, 1);
  }
  const exporter = exporting.start({ SLICEWAY_TRACE_DIRECTORY: exporting.directory });
  expect(await exporter.flush()).toBe(true);
  expect(kept.filter((file) => existsSync(file))).toEqual(kept);
  expect(ended.filter((file) => existsSync(file))).toEqual(ended.slice(4));
});

it('the same pid under another name is a process that has ended: in a container all have it', async () => {
  const name = (instance: string, more = ''): string =>
    join(exporting.directory, `traces-sliceway_test-${instance}-${process.pid}${more}.jsonl`);
  const ended = Array.from({ length: 20 }, (_, i) => name(`former${i}`));
  const own = [name('one'), name('one', '.1')];
  [...own, ...ended].forEach((file, i) => {
    writeFileSync(file, '');
    utimesSync(file, 1000 + i, 1000 + i);
  });
  const exporter = exporting.start({ SLICEWAY_TRACE_DIRECTORY: exporting.directory });
  expect(await exporter.flush()).toBe(true);
  expect(own.filter((file) => existsSync(file))).toEqual(own);
  expect(ended.filter((file) => existsSync(file))).toEqual(ended.slice(4));
});

const RECORD = `
const { SpanWriter } = await load('recording/span-writer.js');
const { record } = await load(${JSON.stringify(new URL('./exporting.fixture.js', import.meta.url).href)});
const { startExporter } = await load('export/start-exporter.js');
const writer = new SpanWriter();
const exporter = startExporter({ resource: { 'service.name': 'sliceway-child' } });
exporter.addRing(writer.buffer);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
`;

it('the console: a line a span', async () => {
  const source = `${RECORD} record(writer, 2); await exporter.shutdown();`;
  const { code, stdout, stderr } = await runProgram(source, { OTEL_TRACES_EXPORTER: 'console' });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(
      /^\d\d:\d\d:\d\d\.\d{6} sliceway-child span 0\.000 ms 01000000020000000300000004000000\/0100000006000000 i=0$/,
    ),
    expect.stringMatching(/ i=1$/),
    '',
  ]);
});

it('a process ends by itself while the exporter runs', async () => {
  const startMs = performance.now();
  const source = `${RECORD} record(writer, 1); process.stdout.write('end');`;
  const { code, stdout } = await runProgram(source, { SLICEWAY_TRACE_DIRECTORY: exporting.directory });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'end' });
  expect(performance.now() - startMs).toBeLessThan(15_000);
});

it.each([
  ['process.exit', 'process.exit(0)', 0],
  ['kill -9', `process.kill(process.pid, 'SIGKILL')`, null],
])('%s without shutdown loses the last batch at most', async (_, end, expected) => {
  const source = `${RECORD} record(writer, 100); await exporter.flush(); record(writer, 50, 'span', 100); await sleep(1000); record(writer, 1, 'span', 150); ${end};`;
  const { code } = await runProgram(source, {
    SLICEWAY_TRACE_DIRECTORY: exporting.directory,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
  expect(code).toBe(expected);
  const [file] = readdirSync(exporting.directory);
  expect(numbersOf(lines(join(exporting.directory, file!)))).toEqual(Array.from({ length: 150 }, (__, i) => String(i)));
});

it.each<[string, Record<string, string>]>([
  ['nothing is set', {}],
  [
    'it is disabled',
    { OTEL_SDK_DISABLED: 'TRUE', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', SLICEWAY_TRACE_DIRECTORY: 'x' },
  ],
  [
    'there is no exporter',
    { OTEL_TRACES_EXPORTER: 'none', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', SLICEWAY_TRACE_DIRECTORY: 'x' },
  ],
])('%s: spans go nowhere', async (_, environment) => {
  const exporter = exporting.start(environment);
  expect(exporter.destinations).toEqual([]);
  exporter.addRing(new SpanWriter().buffer);
  expect(await exporter.flush()).toBe(true);
  expect(await exporter.shutdown()).toBe(true);
  expect(exporter.stats().exported).toBe(0);
});

it('several destinations, and a name that none has', async () => {
  const exporter = exporting.start({
    OTEL_TRACES_EXPORTER: 'otlp_file, zipkin',
    SLICEWAY_TRACE_DIRECTORY: exporting.directory,
  });
  expect(exporter.destinations).toEqual(['otlp_file']);
  expect(exporting.logs).toEqual(['OTEL_TRACES_EXPORTER has zipkin: known are otlp, otlp_file, console, none']);
});
