import { jest } from '@jest/globals';
import { RetryableExportError, withRetries } from './retries.js';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const passing = (retryInMs?: number): Error => new RetryableExportError(new Error('passes'), retryInMs);

async function attempts(
  failures: readonly Error[],
  timeoutMs = 60_000,
  signal = new AbortController().signal,
): Promise<{ calls: number; outcome: string }> {
  let calls = 0;
  const send = (): Promise<string> => {
    const failure = failures[calls++];
    return failure === undefined ? Promise.resolve('sent') : Promise.reject(failure);
  };
  const done = withRetries(send, timeoutMs, signal).catch(({ message }: Error) => message);
  await jest.advanceTimersByTimeAsync(timeoutMs);
  return { calls, outcome: await done };
}

it('tries again what may pass', async () => {
  expect(await attempts([passing(), passing(), passing()])).toEqual({ calls: 4, outcome: 'sent' });
});

it('five times at most', async () => {
  expect(await attempts(Array.from({ length: 9 }, () => passing()))).toEqual({ calls: 6, outcome: 'passes' });
});

it('not what is final', async () => {
  expect(await attempts([new Error('final')])).toEqual({ calls: 1, outcome: 'final' });
});

it('not beyond its time', async () => {
  expect(await attempts([passing(), passing(), passing()], 2000)).toEqual({ calls: 2, outcome: 'passes' });
});

it('when the receiver wants it', async () => {
  expect(await attempts([passing(10), passing(10)], 100)).toEqual({ calls: 3, outcome: 'sent' });
  expect(await attempts([passing(200)], 100)).toEqual({ calls: 1, outcome: 'passes' });
});

it('not what was given up, before it began or while it waits', async () => {
  const controller = new AbortController();
  // The second try comes within 1.2 s, the third not before 2 s.
  setTimeout(() => controller.abort(new Error('given up')), 1900);
  expect(await attempts([passing(), passing(), passing()], 60_000, controller.signal)).toEqual({
    calls: 2,
    outcome: 'given up',
  });
  expect(await attempts([], 60_000, controller.signal)).toEqual({ calls: 0, outcome: 'given up' });
});

it('says how much time is left', async () => {
  const left: number[] = [];
  const send = (timeoutMs: number): Promise<void> => {
    left.push(Math.round(timeoutMs));
    return left.length === 1 ? Promise.reject(passing(300)) : Promise.resolve();
  };
  const done = withRetries(send, 1000, new AbortController().signal);
  await jest.advanceTimersByTimeAsync(300);
  await done;
  expect(left).toEqual([1000, 700]);
});
