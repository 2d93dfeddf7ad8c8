import { readFile } from 'node:fs/promises';
import { localConfigFromEnv } from '../local.config.js';
import { provideNatsServer } from '../provide/provide-nats-server.js';
import { AppFixture, isAlive } from './app.fixture.js';
import type { LoadingLine, Role } from './cluster-process.js';
import type { ClusterOptions } from './cluster-options.js';
import { type LocalCluster, startCluster } from './local-cluster.js';
import { StartErrorCode } from './start-error.js';

const natsUrl = 'nats://127.0.0.1:4';

describe('startCluster', () => {
  let apps: AppFixture;
  let clusters: LocalCluster[];

  beforeEach(async () => {
    clusters = [];
    apps = await AppFixture.create();
  });
  afterEach(async () => {
    await Promise.all(clusters.map((cluster) => cluster.stop(0)));
    await apps.remove();
  });

  const required = () => ({ model: '/m.gguf', appPath: apps.appPath, logDirectory: apps.logs });
  const start = async (options: Partial<ClusterOptions> = {}) => {
    const cluster = await startCluster({ ...required(), natsUrl, ...options });
    clusters.push(cluster);
    return cluster;
  };
  const behave = (role: Role, BEHAVIOR: string): Partial<ClusterOptions> => ({
    env: (each, index) => (each === role && index === 0 ? { BEHAVIOR } : {}),
  });

  test('starts one of each with the environment of the contract, and stops them', async () => {
    const cluster = await start({ env: { EXTRA: 'yes' } });
    expect(cluster.processes.map(({ role }) => role)).toEqual(['tokenizer', 'prefill', 'decode', 'gateway']);
    for (const { instance, url, role, logFile } of cluster.processes) {
      const env = (await (await fetch(`${url}/env`)).json()) as Record<string, string>;
      expect(env).toMatchObject({
        NATS_URL: natsUrl,
        SLICEWAY_MODEL: '/m.gguf',
        HOST: '127.0.0.1',
        PORT: '0',
        EXTRA: 'yes',
      });
      expect(env['SLICEWAY_INSTANCE']).toBe(instance);
      expect(instance).toMatch(/^[0-9a-f]{8}$/);
      expect(await readFile(logFile, 'utf8')).toContain(`plain line of ${role}`);
    }
    expect(cluster.processes.map(({ backend }) => backend)).toEqual([null, null, 'wasm', null]);
    expect((await fetch(`${cluster.gatewayUrl}/health/ready`)).status).toBe(200);
    await cluster.stop();
    expect(await Promise.all(cluster.processes.map(({ exited }) => exited))).toEqual(
      Array(4).fill({ code: 0, signal: null, error: null }),
    );
  });

  test('starts replicas, one more later, and gives the first gateway the wanted port', async () => {
    const probe = await start({ counts: { tokenizer: 0, prefill: 0, decode: 0 } });
    const port = Number(new URL(probe.gatewayUrl).port);
    await probe.stop();
    const cluster = await start({ counts: { gateway: 2, prefill: 2, tokenizer: 0 }, port });
    expect(cluster.processes.map(({ role }) => role)).toEqual(['prefill', 'prefill', 'decode', 'gateway', 'gateway']);
    expect(cluster.gatewayUrl).toBe(`http://127.0.0.1:${port}`);
    expect(new Set(cluster.processes.map(({ url }) => url)).size).toBe(5);
    const late = await cluster.startProcess('decode');
    expect(cluster.running('decode')).toContain(late);
    const gateway = await cluster.startProcess('gateway');
    expect((await fetch(`${gateway.url}/health/ready`)).status).toBe(200);
  });

  test('brings a broker of its own, whose end is reported too', async () => {
    const source = await provideNatsServer({ config: { ...localConfigFromEnv(), natsUrl: null } });
    const natsServer = 'binary' in source ? source.binary : '';
    const deaths: string[] = [];
    const cluster = await startCluster({ ...required(), natsServer, onExit: ({ name }) => deaths.push(name) });
    clusters.push(cluster);
    expect(cluster.natsUrl).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
    const env = (await (await fetch(`${cluster.gatewayUrl}/env`)).json()) as Record<string, string>;
    expect(env['NATS_URL']).toBe(cluster.natsUrl);
    cluster.nats!.process.kill('SIGKILL');
    await cluster.nats!.process.exited;
    expect(deaths).toEqual(['nats-server']);
  });

  test('tells how far loading is', async () => {
    const lines: LoadingLine[] = [];
    await start({ onLoading: (_process, line) => lines.push(line) });
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatchObject({ fraction: 0.5 });
  });

  test('a child that dies at once fails the start with its last words, and nobody stays', async () => {
    const started: number[] = [];
    const failure = await start({
      ...behave('prefill', 'dies'),
      onLoading: ({ pid }) => started.push(pid!),
    }).catch((error: unknown) => error as Error);
    expect(failure).toMatchObject({ name: 'StartError', code: StartErrorCode.EXITED });
    const { message } = failure as Error;
    expect(message).toMatch(/^prefill [0-9a-f]{8} exited with code 3\n {2}\| plain line of prefill\n/);
    expect(message).toContain('fatal: cannot work');
    expect(message).toContain('Error: no disk');
    expect(message).toMatch(/log: .*prefill-[0-9a-f]{8}\.log/);
    expect(started.filter(isAlive)).toEqual([]);
  });

  test('a child that dies after its ready line fails the start as well', async () => {
    await expect(
      start({ env: (role) => ({ BEHAVIOR: role === 'decode' ? 'short' : role === 'gateway' ? 'unhealthy' : '' }) }),
    ).rejects.toMatchObject({ code: StartErrorCode.EXITED, message: expect.stringMatching(/^decode .* code 5/) });
  });

  test('a child that is never ready fails the start after the limit', async () => {
    await expect(start({ ...behave('decode', 'mute'), readyTimeoutMs: 700 })).rejects.toMatchObject({
      code: StartErrorCode.NOT_READY,
      message: expect.stringMatching(/^decode [0-9a-f]{8} was not ready within 0\.7 s/),
    });
  });

  test('a gateway that never serves says what it lacks', async () => {
    await expect(start({ ...behave('gateway', 'unhealthy'), readyTimeoutMs: 700 })).rejects.toMatchObject({
      code: StartErrorCode.NOT_READY,
      message: expect.stringMatching(/health\/ready never became 200: HTTP 503 .*"missing":\["decode"\]/),
    });
  });

  test('a script that is not there', async () => {
    await expect(start({ appPath: () => '/nowhere/main.js' })).rejects.toThrow(/Cannot find module/);
  });

  test('a start can be given up', async () => {
    const abort = new AbortController();
    const pids: number[] = [];
    const starting = start({
      ...behave('decode', 'mute'),
      signal: abort.signal,
      onLoading: ({ pid }) => {
        pids.push(pid!);
        if (pids.length === 4) abort.abort();
      },
    });
    await expect(starting).rejects.toMatchObject({ code: StartErrorCode.ABORTED });
    expect(pids).toHaveLength(4);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('a child that ignores SIGTERM is killed after the limit', async () => {
    const cluster = await start(behave('tokenizer', 'deaf'));
    await cluster.stop(300);
    const [tokenizer] = cluster.processes;
    expect(await tokenizer!.exited).toMatchObject({ signal: 'SIGKILL' });
    expect(await readFile(tokenizer!.logFile, 'utf8')).toContain('got SIGTERM');
    expect(cluster.processes.every(({ isRunning }) => !isRunning)).toBe(true);
  });

  test('a dead child is reported, once, and a stopped one is not', async () => {
    const deaths: string[] = [];
    const cluster = await start({
      counts: { decode: 2 },
      onExit: (process, exit) => deaths.push(`${process.name} ${exit.signal}`),
    });
    const [first, second] = cluster.running('decode');
    first!.kill('SIGKILL');
    await first!.exited;
    expect(deaths).toEqual([`decode ${first!.instance} SIGKILL`]);
    expect(cluster.running('decode')).toEqual([second]);
    await cluster.stop();
    expect(deaths).toHaveLength(1);
    await expect(cluster.startProcess('decode')).rejects.toMatchObject({ code: StartErrorCode.ABORTED });
  });
});
