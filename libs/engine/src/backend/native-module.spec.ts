import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { NativeOutcome, NativeTask } from './native-module.fixture.js';
import { loadNativeModule, NativeBackendError, NativeBackendErrorCode } from './native-module.js';
import { nativeDirectoryFromEnv, prepareTensorflow } from './native.config.js';

const fixture = new URL('./native-module.fixture.js', import.meta.url);

function start(rounds = 0): { outcome: Promise<NativeOutcome>; exited: Promise<unknown> } {
  const workerData: NativeTask = { rounds };
  const worker = new Worker(fixture, { workerData });
  const outcome = once(worker, 'message').then(([message]) => message as NativeOutcome);
  return { outcome, exited: once(worker, 'exit') };
}

describe('loadNativeModule on a worker thread', () => {
  test('computes through the tfjs-core of this package, and gives all tensors back', async () => {
    const { outcome, exited } = start();
    const { module, backend, product, probabilities, tensors } = await outcome;
    expect(module).toEqual({ kind: 'node', version: '4.22.0', tensorflow: expect.stringMatching(/^2\./), gpu: false });
    expect(backend).toBe('tensorflow');
    expect(product).toEqual([43, 50, 19, 22]);
    const low = 1 / (1 + Math.E);
    [low, 1 - low, low, 1 - low].forEach((expected, i) => expect(probabilities[i]).toBeCloseTo(expected, 6));
    expect(tensors[1]).toEqual(tensors[0]);
    expect(await exited).toEqual([0]);
  });

  test('works again when the thread before has ended, and on two threads at once', async () => {
    const first = start(300);
    const second = start(300);
    const expected = Array.from({ length: 300 }, (_, round) => round * 64 * 64 * 64);
    for (const { outcome, exited } of [first, second]) {
      const { sums, tensors } = await outcome;
      expect(sums).toEqual(expected);
      expect(tensors[1]).toEqual(tensors[0]);
      expect(await exited).toEqual([0]);
    }
    expect((await start(1).outcome).sums).toEqual([0]);
  });
});

describe('loadNativeModule refuses', () => {
  let directory: string;

  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'sliceway-native-'))));
  afterEach(() => rm(directory, { recursive: true }));

  const failure = (kind: 'node' | 'gpu') => {
    try {
      loadNativeModule(kind, directory);
    } catch (error) {
      return error as NativeBackendError;
    }
    throw new Error('it was loaded');
  };

  test.each([
    ['node', '"npm run native"'],
    ['gpu', '"npm run native -- --gpu"'],
  ] as const)('%s when it is not installed, with the way to get it', (kind, command) => {
    const error = failure(kind);
    expect(error).toBeInstanceOf(NativeBackendError);
    expect(error.code).toBe(NativeBackendErrorCode.NOT_INSTALLED);
    expect(error.message).toContain(command);
    expect(error.message).toContain(directory);
  });

  test.each([
    ['node', 'tfjs-node', '"npm run native -- --force"'],
    ['gpu', 'tfjs-node-gpu', '"npm run native -- --gpu --force"'],
  ] as const)('%s when it does not load, with the reason', async (kind, name, command) => {
    const folder = join(directory, `${name}-4.22.0`, 'node_modules', '@tensorflow', name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{"main":"index.js"}');
    await writeFile(join(folder, 'index.js'), 'throw new Error("libtensorflow.so.2: cannot open shared object file")');
    const error = failure(kind);
    expect(error.code).toBe(NativeBackendErrorCode.LOAD_FAILED);
    expect(error.message).toContain('libtensorflow.so.2: cannot open shared object file');
    expect(error.message).toContain(command);
  });
});

describe('native.config', () => {
  test.each([
    [{ SLICEWAY_NATIVE: '/elsewhere', XDG_CACHE_HOME: '/cache' }, '/elsewhere'],
    [{ XDG_CACHE_HOME: '/cache' }, '/cache/sliceway/native'],
    [{ XDG_CACHE_HOME: 'relative' }, join(homedir(), '.cache', 'sliceway', 'native')],
    [{ SLICEWAY_NATIVE: '' }, join(homedir(), '.cache', 'sliceway', 'native')],
  ])('looks where npm run native installs: %j', (env: NodeJS.ProcessEnv, directory) => {
    expect(nativeDirectoryFromEnv(env)).toBe(directory);
  });

  test("keeps TensorFlow's log to errors, unless the user wants more", () => {
    const env: NodeJS.ProcessEnv = {};
    prepareTensorflow(env);
    expect(env['TF_CPP_MIN_LOG_LEVEL']).toBe('2');
    const chosen: NodeJS.ProcessEnv = { TF_CPP_MIN_LOG_LEVEL: '0' };
    prepareTensorflow(chosen);
    expect(chosen['TF_CPP_MIN_LOG_LEVEL']).toBe('0');
  });
});
