import { Worker } from 'node:worker_threads';
import { now, tsOfHrtime } from './clock.js';

it('counts whole nanoseconds, never backwards', () => {
  let last = now();
  for (let i = 0; i < 10_000; i++) {
    const ts = now();
    expect(ts).toBeGreaterThanOrEqual(last);
    last = ts;
  }
  expect(Number.isSafeInteger(last)).toBe(true);
  expect(last).toBeGreaterThanOrEqual(0);
});

it('keeps the pace of the monotonic clock', async () => {
  const startNs = now();
  const startHr = process.hrtime.bigint();
  await new Promise((resolve) => setTimeout(resolve, 30));
  const passedNs = now() - startNs;
  const realNs = Number(process.hrtime.bigint() - startHr);
  expect(passedNs).toBeLessThanOrEqual(realNs + 1e6);
  expect(passedNs).toBeGreaterThan(25e6);
});

it('has the same origin in a thread that was started later', async () => {
  const clock = new URL('./clock.js', import.meta.url).href;
  const source = `import { parentPort } from 'node:worker_threads';
    const { now } = await import(${JSON.stringify(clock)});
    parentPort.postMessage(now());`;
  const before = now();
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
  const inside = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  await worker.terminate();
  expect(inside).toBeGreaterThan(before);
  expect(inside).toBeLessThan(now());
});

it('takes times that another thread read', () => {
  const before = now();
  const ts = tsOfHrtime(Number(process.hrtime.bigint()));
  expect(ts).toBeGreaterThanOrEqual(before);
  expect(ts).toBeLessThanOrEqual(now());
});
