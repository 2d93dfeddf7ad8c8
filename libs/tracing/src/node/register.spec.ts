import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

interface Span {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly scope: string;
  readonly path: string;
}

interface Seen {
  readonly url: string;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly fields: Readonly<Record<string, string>>;
  readonly sent: string | null;
}

const PROGRAM = fileURLToPath(new URL('instrumented-process.fixture.js', import.meta.url));
const SERVER = 2;
const CLIENT = 3;
const TRACE = 'ab'.repeat(16);

/** What a program saw that a plain `node` runs. */
async function run(
  environment: Record<string, string> = {},
  ...args: string[]
): Promise<{ spans: Span[]; seen: Seen[] }> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'otlp', ...environment },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as { spans: Span[]; seen: Seen[] };
}

const isTraced = ({ traceparent }: Seen): boolean => traceparent !== null;

describe('register', () => {
  it('makes a span of each HTTP request, with the context of the one before', async () => {
    const { spans, seen } = await run();
    const at = (url: string): Seen => seen.find((each) => each.url === url)!;
    const server = (path: string): Span => spans.find((span) => span.kind === SERVER && span.path === path)!;
    const paths = spans.filter(({ kind }) => kind === SERVER).map(({ path }) => path);
    expect(paths.sort()).toEqual(['/healthy', '/inner', '/outer', '/sampled']);
    for (const { scope } of spans) expect(scope).toBe('@opentelemetry/instrumentation-http');

    expect(server('/healthy').parentSpanId).toBeNull();
    expect(server('/sampled')).toMatchObject({ traceId: TRACE, parentSpanId: 'cd'.repeat(8) });
    expect(at('/sampled')).toMatchObject({
      traceparent: `00-${TRACE}-${server('/sampled').spanId}-01`,
      tracestate: 'a=1',
      fields: { trace_id: TRACE, span_id: server('/sampled').spanId, rid: 'a-rid' },
    });
    // What is not recorded is handed on as such.
    expect(at('/unsampled').traceparent).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
    expect(at('/unsampled').fields).toEqual({ rid: 'a-rid' });

    for (const path of ['/health', '/health/ready', '/metrics', '/metrics?a=b']) {
      expect(at(path)).toMatchObject({ traceparent: null });
      expect(at(path).fields).toEqual({});
    }
  });

  it('makes a span of an outgoing request only within another', async () => {
    const { spans, seen } = await run();
    const clients = spans.filter(({ kind }) => kind === CLIENT);
    const server = (path: string): Span => spans.find((span) => span.kind === SERVER && span.path === path)!;
    expect(clients).toHaveLength(1);
    const [client] = clients;
    expect(client!.path).toMatch(/\/inner$/);
    expect(client).toMatchObject({ traceId: server('/outer').traceId, parentSpanId: server('/outer').spanId });
    expect(server('/inner')).toMatchObject({ traceId: client!.traceId, parentSpanId: client!.spanId });
    expect(seen.find(({ url }) => url === '/healthy')!.sent).toBeNull();
  });

  it.each([
    ['the SDK is disabled', { OTEL_SDK_DISABLED: 'TRUE' }, []],
    ['spans go nowhere', { OTEL_TRACES_EXPORTER: 'none' }, []],
    ['nothing is to be traced', { SLICEWAY_TRACE_LEVEL: '0' }, []],
    ['the instrumentation is disabled', { OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'http' }, []],
    ['others are enabled', { OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'runtime-node' }, []],
    ['the level is 0 now', {}, ['off']],
  ])('makes none where %s', async (_, environment, args) => {
    const { spans, seen } = await run(environment, ...args);
    expect(seen.length).toBeGreaterThan(0);
    expect(spans).toEqual([]);
    expect(seen.filter(isTraced)).toEqual([]);
  });

  it('samples as the environment says', async () => {
    const { spans } = await run({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' });
    expect(spans.map(({ path }) => path)).toEqual(['/sampled']);
  });
});
