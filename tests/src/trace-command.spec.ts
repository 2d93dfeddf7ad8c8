import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { provideNatsServer, REPOSITORY_ROOT, startNats, type NatsServer } from '@sliceway/local';
import { tinyModel } from '@sliceway/testing';
import { jaegerBinary } from './tools.fixture.js';

const PROGRAM = join(REPOSITORY_ROOT, 'infra', 'local', 'dist', 'trace', 'main.js');
const jaeger = jaegerBinary();
const testWithJaeger = jaeger === null ? test.skip : test;

interface Outcome {
  readonly code: number | null;
  readonly output: string;
}

describe('npm run trace', () => {
  let folder: string;
  let nats: NatsServer;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sliceway-trace-'));
    const source = await provideNatsServer();
    if ('url' in source) throw new Error('these tests have a broker of their own: unset NATS_URL');
    nats = await startNats({ binary: source.binary, logFile: join(folder, 'nats-server.log') });
  });
  afterAll(async () => {
    await nats?.stop();
    rmSync(folder, { recursive: true });
  });

  /** A PATH with Node.js and what else is given, as scripts. */
  function bin(scripts: Readonly<Record<string, string>> = {}): string {
    const path = mkdtempSync(join(folder, 'bin-'));
    symlinkSync(process.execPath, join(path, 'node'));
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(path, name), 0o755);
    }
    return path;
  }

  /** @param until is followed by Ctrl-C when it is seen */
  function run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
    until: RegExp | null = null,
  ): Promise<Outcome> {
    const environment = {
      ...process.env,
      NATS_URL: nats.url,
      SLICEWAY_MODEL: tinyModel(folder),
      SLICEWAY_BACKEND: 'wasm',
      SLICEWAY_KV_MEMORY_MB: '1',
      SLICEWAY_TRACE_DIRECTORY: join(folder, 'traces'),
      OTEL_EXPORTER_OTLP_ENDPOINT: '',
      // No Jaeger and no Docker of this machine.
      SLICEWAY_JAEGER: '',
      PATH: bin(),
      ...env,
    };
    const child = spawn(process.execPath, [PROGRAM, ...args], { env: environment, timeout: 60_000 });
    let output = '';
    let isInterrupted = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (isInterrupted || until?.test(output) !== true) return;
        isInterrupted = true;
        child.kill('SIGINT');
      });
    }
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
  }

  // Whose part comes first, prefill's or decode's, is a matter of who was told sooner.
  const tree = /gateway Req (\w{8})[^]*tokenize\b(?=[^]* prefill_forward)(?=[^]* decode_forward)/;

  test('without a Jaeger: the answer, and its tree from files that show it again', async () => {
    const { code, output } = await run(['--once', '--port', '0', '--max-tokens', '4']);
    expect(output).toMatch(/Jaeger: none/);
    expect(output).toMatch(tree);
    expect(output).not.toMatch(/not complete|http:\/\/\S+\/trace\//);
    expect({ code, end: output.trimEnd().split('\n').at(-1) }).toEqual({ code: 0, end: 'Stopped cleanly.' });
    const [, rid] = /x-request-id: ([0-9a-f]{32})/.exec(output)!;
    expect(readdirSync(join(folder, 'traces')).length).toBeGreaterThan(0);

    const again = await run([join(folder, 'traces'), rid!.slice(0, 8)]);
    expect(again).toMatchObject({ code: 0, output: expect.stringMatching(tree) as string });
    expect(output).toContain(again.output.trim());
  });

  testWithJaeger('with a Jaeger: the address of the trace', async () => {
    const { code, output } = await run(['--once', '--port', '0', '--max-tokens', '4'], { SLICEWAY_JAEGER: jaeger! });
    expect(output).toMatch(/trace: http:\/\/127\.0\.0\.1:\d+\/trace\/[0-9a-f]{32}\n/);
    expect(output).toMatch(tree);
    expect(code).toBe(0);
  });

  test('without --once it serves until Ctrl-C', async () => {
    const { code, output } = await run(['--port', '0', '--max-tokens', '2'], {}, /Serving on http:\S+; .*Ctrl-C stops/);
    expect(output).toMatch(/E2E[^]*Serving on[^]*Stopping[^]*Stopped cleanly/);
    expect(code).toBe(0);
  });

  test('a Jaeger that does not start ends it', async () => {
    const broken = join(bin({ broken: 'echo no license; exit 5' }), 'broken');
    const { code, output } = await run(['--once', '--port', '0'], { SLICEWAY_JAEGER: broken });
    expect(output).toMatch(/jaeger exited with code 5[^]*no license/);
    expect(code).toBe(1);
  });

  test('a Docker that cannot fetch Jaeger is done without', async () => {
    const PATH = bin({ docker: '[ "$1" = info ] || { echo no such host; exit 125; }' });
    const { code, output } = await run(['--once', '--port', '0', '--max-tokens', '2'], { PATH });
    expect(output).toMatch(/Jaeger: none \([^]*no such host[^]*going on with files/);
    expect(output).toMatch(tree);
    expect(code).toBe(0);
  });

  test.each([
    [['--help'], 0, /^Usage: npm run trace/],
    [['--level', '7'], 2, /--level is 7[^]*Usage/],
    [['/nowhere.jsonl'], 1, /nowhere/],
  ])('%j ends with %d', async (args, code, text) => {
    const outcome = await run(args);
    expect(outcome).toMatchObject({ code, output: expect.stringMatching(text) as string });
    expect(outcome.output).not.toContain('at file:');
  });
});
