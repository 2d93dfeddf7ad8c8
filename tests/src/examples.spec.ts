import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { REPOSITORY_ROOT } from '@sliceway/local';
import { startOtlpReceiver, type OtlpReceiver } from '@sliceway/testing';
import type { TraceSpan } from '@sliceway/tracing';

const SOURCES = join(REPOSITORY_ROOT, 'tests', 'src', 'examples');

describe('the examples of docs/tracing.md', () => {
  let receiver: OtlpReceiver;

  beforeAll(async () => void (receiver = await startOtlpReceiver()));
  beforeEach(() => receiver.clear());
  afterAll(() => receiver.close());

  async function run(name: string): Promise<readonly TraceSpan[]> {
    const program = fileURLToPath(new URL(`./examples/${name}.js`, import.meta.url));
    const env = {
      ...process.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    };
    const { stderr } = await promisify(execFile)(process.execPath, [program], { env, timeout: 30_000 });
    expect(stderr).toBe('');
    return receiver.spans();
  }

  /** `name < parent < …` of each span, in order. */
  function paths(spans: readonly TraceSpan[]): string[] {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const path = ({ name, parentSpanId }: TraceSpan): string => {
      const parent = parentSpanId === null ? undefined : byId.get(parentSpanId);
      return name.replace(/ \(host:.*/, '') + (parent ? ` < ${path(parent)}` : '');
    };
    return spans.map(path).sort();
  }

  it('are what the page shows', () => {
    const page = readFileSync(join(REPOSITORY_ROOT, 'docs', 'tracing.md'), 'utf8');
    const shown = [...page.matchAll(/<!-- tests\/src\/examples\/(\S+) -->\n\n```ts\n(.*?)```/gs)];
    expect(shown.map(([, file]) => file!).sort()).toEqual(readdirSync(SOURCES).sort());
    for (const [, file, code] of shown) expect(code).toBe(readFileSync(join(SOURCES, file!), 'utf8'));
  });

  it('one-request: a finished request and a failed one', async () => {
    const spans = await run('one-request');
    const of = (rid: string): string => `main < resizer Req ${rid} < Bootstrap Room 0x0000000000000000`;
    expect(paths(spans)).toEqual(
      [
        ...['Bootstrap Room 0x0000000000000000', 'Bootstrap Room 0x0000000000000000'],
        ...['5a1f00d0', '5a1f00d1'].flatMap((rid) => [of(rid), of(rid).slice('main < '.length), `load < ${of(rid)}`]),
        `resize < ${of('5a1f00d0')}`,
      ].sort(),
    );
    const failed = spans.filter(({ status }) => status.message === 'no such image');
    expect(failed.map(({ name }) => name.replace(/ .*/, '')).sort()).toEqual(['Bootstrap', 'load', 'main', 'resizer']);
    const resize = spans.find(({ name }) => name === 'resize');
    expect(resize?.events).toMatchObject([{ name: 'cache_miss', attributes: { width: 640 } }]);
    expect(resize?.resource['service.name']).toBe('resizer');
  });

  it('two-threads: one request, two thread spans, and the second slice links to the first', async () => {
    const spans = await run('two-threads');
    const request = 'resizer Req 5a1f00d2 < Bootstrap Room 0x0000000000000000';
    expect(paths(spans)).toEqual(
      [
        'Bootstrap Room 0x0000000000000000',
        request,
        `main < ${request}`,
        `dispatch < main < ${request}`,
        `resize [TP 0] < ${request}`,
        `resize < resize [TP 0] < ${request}`,
      ].sort(),
    );
    const [dispatch, resize] = ['dispatch', 'resize'].map((name) => spans.find((span) => span.name === name)!);
    expect(resize!.links).toMatchObject([{ spanId: dispatch!.spanId, attributes: { 'link.kind': 'prev' } }]);
  });

  it('one-batch: one span a step, to which the tiles of both requests link', async () => {
    const spans = await run('one-batch');
    const steps = spans.filter(({ name }) => name === 'batch_step');
    expect(steps.map(({ attributes }) => attributes['bid'])).toEqual([0, 1, 2]);
    for (const step of steps) expect(step.links).toHaveLength(2);
    const tiles = spans.filter(({ name }) => name === 'tile');
    expect(tiles).toHaveLength(6);
    for (const { links } of tiles) expect(steps.map(({ spanId }) => spanId)).toContain(links[0]!.spanId);
  });
});
