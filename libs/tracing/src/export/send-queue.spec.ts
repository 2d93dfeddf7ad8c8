import { jest } from '@jest/globals';
import { ExportStats } from './export-stats.js';
import { SendQueue } from './send-queue.js';

interface Call {
  readonly payload: number;
  readonly signal: AbortSignal;
  resolve(rejected?: number): void;
  reject(error: Error): void;
}

const open: Call[] = [];
// Each has a timer.
afterEach(() => open.splice(0).forEach((call) => call.resolve()));

function setUp(maxSpans = 100, timeoutMs = 60_000) {
  const stats = new ExportStats();
  const calls: Call[] = [];
  const errors: string[] = [];
  const queue = new SendQueue<number>({
    maxSpans,
    timeoutMs,
    stats,
    send: (payload, signal) =>
      new Promise((resolve, reject) => {
        const call = { payload, signal, resolve: (rejected = 0) => resolve(rejected), reject };
        calls.push(call);
        open.push(call);
      }),
    onError: ({ message }) => errors.push(message),
  });
  const push = (payload: number, spans = 10, bytes = 1): void => queue.push({ payload, spans, bytes });
  return { stats, calls, errors, queue, push };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('sends four batches at once, in order, and the next as one ends', async () => {
  const { calls, push, queue, stats } = setUp();
  for (let i = 0; i < 6; i++) push(i);
  expect(calls.map(({ payload }) => payload)).toEqual([0, 1, 2, 3]);
  calls[2]!.resolve();
  await settled();
  expect(calls.map(({ payload }) => payload)).toEqual([0, 1, 2, 3, 4]);
  let isIdle = false;
  void queue.idle().then(() => (isIdle = true));
  for (const i of [0, 1, 3, 4]) calls[i]!.resolve();
  await settled();
  expect(isIdle).toBe(false);
  calls[5]!.resolve();
  await settled();
  expect(isIdle).toBe(true);
  expect(stats.snapshot()).toEqual({
    taken: 0,
    exported: 60,
    batches: 6,
    droppedQueue: 0,
    droppedExport: 0,
    droppedRing: 0,
    failures: 0,
  });
});

it('is idle at once when there is nothing', async () => {
  await setUp().queue.idle();
});

it('drops the oldest that wait when there are too many spans', async () => {
  const { calls, push, stats } = setUp(30);
  for (let i = 0; i < 7; i++) push(i);
  expect(stats.snapshot().droppedQueue).toBe(0);
  push(7);
  expect(stats.snapshot().droppedQueue).toBe(10);
  push(8, 25);
  expect(stats.snapshot().droppedQueue).toBe(40);
  calls[0]!.resolve();
  await settled();
  expect(calls.map(({ payload }) => payload)).toEqual([0, 1, 2, 3, 8]);
});

it('drops the oldest that wait when there are too many bytes', () => {
  const { push, stats } = setUp(1e9);
  for (let i = 0; i < 4; i++) push(i);
  push(4, 10, 64 << 20);
  expect(stats.snapshot().droppedQueue).toBe(0);
  push(5, 1, 1);
  expect(stats.snapshot().droppedQueue).toBe(10);
});

it('counts failures and what was rejected', async () => {
  const { calls, push, stats, errors } = setUp();
  for (let i = 0; i < 3; i++) push(i);
  calls[0]!.reject(new Error('refused'));
  calls[1]!.resolve(3);
  calls[2]!.resolve(99);
  await settled();
  expect(errors).toEqual(['refused']);
  expect(stats.snapshot()).toMatchObject({ exported: 7, batches: 2, droppedExport: 23, failures: 1 });
});

it('gives up what takes too long, and nothing else', async () => {
  jest.useFakeTimers();
  const { calls, push, queue, stats, errors } = setUp(100, 20);
  push(0);
  jest.advanceTimersByTime(1);
  push(1);
  jest.advanceTimersByTime(19);
  jest.useRealTimers();
  expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, false]);
  calls[1]!.resolve();
  await queue.idle();
  calls[0]!.reject(new Error('late'));
  await settled();
  expect(errors).toEqual(['no answer within 20 ms']);
  expect(stats.snapshot()).toMatchObject({ exported: 10, droppedExport: 10, failures: 1 });
});
