import { type ChildProcess, spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppFixture, isAlive } from '../cluster/app.fixture.js';
import { makeLogDirectory } from './log-directory.js';

/** The program as a shell starts it, with throwaway apps. */
class RunningCli {
  readonly child: ChildProcess;
  readonly exitCode: Promise<number | null>;
  output = '';

  constructor(apps: AppFixture, argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const script = `
      const { runCli } = await import(${JSON.stringify(new URL('./run-cli.js', import.meta.url).href)});
      const directory = ${JSON.stringify(apps.directory)};
      process.exitCode = await runCli(process.argv.slice(1), {
        appPath: (role) => directory + '/' + role + '.mjs',
        logs: directory + '/logs',
        stopTimeoutMs: 20_000,
      });`;
    this.child = spawn(process.execPath, ['--input-type=module', '-e', script, '--', '--port=0', ...argv], {
      env: { ...process.env, SLICEWAY_MODEL: join(apps.directory, 'm.gguf'), NATS_URL: 'nats://127.0.0.1:4', ...env },
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.exitCode = new Promise((resolve) => this.child.once('close', resolve));
  }

  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (let tries = 0; tries < 400; tries++) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      await sleep(25);
    }
    throw new Error(`never saw ${pattern} in:\n${this.output}`);
  }

  async url(): Promise<string> {
    return (await this.until(/Ready after .*: (http\S+)/))[1]!;
  }
}

describe('npm start', () => {
  let apps: AppFixture;
  let cli: RunningCli | null;

  beforeEach(async () => {
    cli = null;
    apps = await AppFixture.create();
    await writeFile(join(apps.directory, 'm.gguf'), 'GGUF');
  });
  afterEach(async () => {
    cli?.child.kill('SIGKILL');
    await cli?.exitCode;
    await apps.remove();
  });

  const run = (argv: readonly string[] = [], env: NodeJS.ProcessEnv = {}) => (cli = new RunningCli(apps, argv, env));
  /** Pids of the apps, from their own mouths. */
  const pidOf = async (url: string) => Number(await (await fetch(`${url}/pid`)).text());

  test('says what runs where and what to try; Ctrl-C stops it cleanly', async () => {
    const started = run(['--decode', '2']);
    const url = await started.url();
    await started.until(/Ctrl-C stops everything/);
    expect(started.output).toContain(`curl -N ${url}/v1/chat/completions`);
    expect(started.output).toContain('"model":"fixture"');
    expect(started.output).toMatch(/backend +wasm\n/);
    expect(started.output).toMatch(/broker +nats:\/\/127\.0\.0\.1:4\n/);
    expect(started.output).toMatch(/processes +1 tokenizer, 1 prefill, 2 decode, 1 gateway\n/);
    expect(started.output).toMatch(/traces +npm run trace -- \S+\/logs\/\S+\/traces \[x-request-id\]\n/);
    const gateway = await pidOf(url);
    started.child.kill('SIGINT');
    expect(await started.exitCode).toBe(0);
    expect(started.output).toContain('Stopped cleanly.');
    expect(isAlive(gateway)).toBe(false);
    const [run1] = await readdir(apps.logs);
    expect(await readdir(join(apps.logs, run1!))).toHaveLength(5);
  });

  test('services keep traces beside their logs, or send them where OTEL_* says', async () => {
    const environmentOf = async (url: string) =>
      (await (await fetch(`${url}/env`)).json()) as Readonly<Record<string, string | undefined>>;
    const kept = await environmentOf(await run([], { OTEL_EXPORTER_OTLP_ENDPOINT: '' }).url());
    const [folder] = await readdir(apps.logs);
    expect(kept['SLICEWAY_TRACE_DIRECTORY']).toBe(join(apps.logs, folder!, 'traces'));
    cli!.child.kill('SIGINT');
    await cli!.exitCode;

    const settings = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:5',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_RESOURCE_ATTRIBUTES: 'a=b',
      SLICEWAY_TRACE_DIRECTORY: join(apps.directory, 'elsewhere'),
    };
    const sending = run([], settings);
    expect(await environmentOf(await sending.url())).toMatchObject(settings);
    await sending.until(/traces +http:\/\/127\.0\.0\.1:5\n/);
  });

  test('a second Ctrl-C kills what does not stop', async () => {
    const started = run([], { BEHAVIOR: 'deaf' });
    const gateway = await pidOf(await started.url());
    started.child.kill('SIGINT');
    await started.until(/Stopping/);
    await sleep(200);
    expect(isAlive(gateway)).toBe(true);
    started.child.kill('SIGINT');
    expect(await started.exitCode).toBe(130);
    expect(isAlive(gateway)).toBe(false);
  });

  test('Ctrl-C while it starts', async () => {
    const started = run([], { BEHAVIOR: 'mute' });
    await started.until(/Starting the services/);
    await sleep(300);
    started.child.kill('SIGTERM');
    expect(await started.exitCode).toBe(0);
  });

  test('goes on while a replica is left, and stops with 1 when none is', async () => {
    const started = run(['--gateway', '2']);
    const url = await started.url();
    const first = await pidOf(url);
    await fetch(`${url}/die`).catch(() => {});
    await started.until(
      /!! gateway [0-9a-f]{8} exited with code 4\n.*plain line of gateway[^]*1 gateway left: still serving/,
    );
    const [, log] = await started.until(/log: (\S+gateway-\S+)/);
    expect(log).toContain(apps.logs);
    expect(isAlive(first)).toBe(false);
    expect(started.child.exitCode).toBeNull();
    started.child.kill('SIGINT');
    expect(await started.exitCode).toBe(0);

    const single = run();
    await fetch(`${await single.url()}/die`).catch(() => {});
    expect(await single.exitCode).toBe(1);
    expect(single.output).toContain('No gateway left: stopping.');
  });

  test.each([
    ['a wrong flag', ['--decode', 'two'], {}, 2, /--decode is two[^]*Usage/],
    ['help', ['--help'], {}, 0, /Usage: npm start/],
    ['a model that is not there', [], { SLICEWAY_MODEL: '/nowhere.gguf' }, 1, /SLICEWAY_MODEL: there is no file/],
    ['a child that dies', [], { BEHAVIOR: 'dies' }, 1, /exited with code 3[^]*fatal: cannot work/],
  ])('%s', async (_name, argv, env, code, text) => {
    const started = run(argv, env);
    expect(await started.exitCode).toBe(code);
    expect(started.output).toMatch(text);
    expect(started.output).not.toContain('at file:');
  });

  test('a port that is taken is named before anything is started', async () => {
    const url = await run().url();
    const first = cli!;
    const second = new RunningCli(apps, ['--port', new URL(url).port]);
    expect(await second.exitCode).toBe(1);
    expect(second.output).toMatch(/EADDRINUSE[^]*-- --port \d+/);
    expect(second.output).not.toContain('Starting');
    first.child.kill('SIGINT');
    await first.exitCode;
  });

  test('keeps the logs of the last ten starts', async () => {
    for (let day = 1; day <= 12; day++) await makeLogDirectory(apps.logs, new Date(Date.UTC(2026, 0, day, 12)));
    const kept = await readdir(apps.logs);
    expect(kept).toHaveLength(10);
    expect(kept.sort()[0]).toBe('2026-01-03T12-00-00');
  });
});
