import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startOtlpReceiver, type OtlpReceiver } from '@sliceway/testing';
import { readOtlpJson, SGLANG_NAMES, type TraceAttributes } from '@sliceway/tracing';
import { SharedControl } from '@sliceway/tracing/internal/recording/shared-control.js';
import { SpanWriter } from '@sliceway/tracing/internal/recording/span-writer.js';
import { Exporting, otlpTo, PROTOCOLS } from './exporting.fixture.js';

const OWN: TraceAttributes = {
  rid: 'ab'.repeat(16),
  'gen_ai.request.model': 'tiny',
  'gen_ai.request.choice.count': 2,
  'gen_ai.usage.input_tokens': 300,
  'gen_ai.usage.output_tokens': 2 ** 40,
  cached_tokens: 0,
  list: ['rid', 'é'],
  constructor: 'is no name of theirs',
};
const THEIRS: TraceAttributes = {
  'gen_ai.request.id': 'ab'.repeat(16),
  'gen_ai.request.n': 2,
  'gen_ai.usage.prompt_tokens': 300,
  'gen_ai.usage.completion_tokens': 2 ** 40,
  'gen_ai.usage.cached_tokens': 0,
};
const ON = { SLICEWAY_TRACE_SGLANG_NAMES: 'true' };

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

/** Three spans: in the first one all names are spelled out, in the others they are numbers. */
function ringOf(): SharedArrayBuffer {
  const writer = new SpanWriter();
  const ids = Int32Array.from({ length: 10 }, (_, i) => (i < 6 ? i + 1 : 0));
  for (let i = 0; i < 3; i++) {
    ids[4] = i + 1;
    writer.begin(writer.nameId('gateway Req abababab'), 1, 2, ids, SharedControl.ofProcess().epoch, -1, 1);
    writer.attributes(OWN);
    writer.event('candidates', 1);
    writer.attributes({ rid: 'of an event' });
    writer.commit();
  }
  return writer.buffer;
}

const three = <T>(value: T): T[] => [value, value, value];

it.each(PROTOCOLS)('over OTLP (%s) spans have both names', async (protocol) => {
  const exporter = exporting.start({ ...ON, ...otlpTo(receiver, protocol) });
  exporter.addRing(ringOf());
  expect(await exporter.flush()).toBe(true);
  const spans = receiver.spans();
  expect(spans.map(({ attributes }) => attributes)).toEqual(three({ ...OWN, ...THEIRS }));
  expect(spans.map(({ events }) => events[0]!.attributes)).toEqual(three({ rid: 'of an event' }));
});

it('in files, too', async () => {
  const exporter = exporting.start({ ...ON, SLICEWAY_TRACE_DIRECTORY: exporting.directory });
  exporter.addRing(ringOf());
  expect(await exporter.flush()).toBe(true);
  const [file] = readdirSync(exporting.directory);
  const spans = readOtlpJson(readFileSync(join(exporting.directory, file!), 'utf8'));
  expect(spans.map(({ attributes }) => attributes)).toEqual(three({ ...OWN, ...THEIRS }));
});

it("in a user's own exporter, too", async () => {
  const said = join(exporting.directory, 'said');
  const path = join(exporting.directory, 'mine.mjs');
  writeFileSync(
    path,
    `import { appendFileSync } from 'node:fs';
    export class Mine {
      export(spans, done) {
        for (const span of spans) appendFileSync(${JSON.stringify(said)}, JSON.stringify(span.attributes) + '\\n');
        done({ code: 0 });
      }
      async shutdown() {}
    }`,
  );
  const exporter = exporting.start({ ...ON, SLICEWAY_TRACE_EXPORTER: path });
  exporter.addRing(ringOf());
  expect(await exporter.flush()).toBe(true);
  const lines = readFileSync(said, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(three({ ...OWN, ...THEIRS }));
});

it('without the switch they have ours alone', async () => {
  const exporter = exporting.start({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl });
  exporter.addRing(ringOf());
  expect(await exporter.flush()).toBe(true);
  expect(receiver.spans().map(({ attributes }) => attributes)).toEqual(three(OWN));
});

it('every name of theirs is tested here', () => {
  expect(Object.values(SGLANG_NAMES).sort()).toEqual(Object.keys(THEIRS).sort());
});
