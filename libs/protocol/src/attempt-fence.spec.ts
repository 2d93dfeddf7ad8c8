import { AttemptFence } from './attempt-fence.js';

function fenceAt(options: { ttlMs?: number; maxRequests?: number } = {}) {
  const clock = { nowMs: 0 };
  return { clock, fence: new AttemptFence({ now: () => clock.nowMs, ...options }) };
}

it('a newer attempt makes older ones stale, choice by choice', () => {
  const { fence } = fenceAt();
  expect(fence.admit('r', 0, 0)).toBe('ok');
  expect(fence.admit('r', 0, 0)).toBe('ok');
  expect(fence.admit('r', 0, 1)).toBe('ok');
  expect(fence.admit('r', 0, 0)).toBe('stale');
  expect(fence.admit('r', 1, 0)).toBe('ok');
  expect(fence.admit('s', 0, 0)).toBe('ok');
});

it('an abort that overtakes its leg closes it; the next attempt may come', () => {
  const { fence } = fenceAt();
  fence.abort('r', 0, 0);
  expect(fence.admit('r', 0, 0)).toBe('aborted');
  expect(fence.admit('r', 1, 0)).toBe('ok');
  expect(fence.admit('r', 0, 1)).toBe('ok');
  expect(fence.admit('r', 0, 0)).toBe('stale');
});

it('an abort of all choices closes those that are not known yet, too', () => {
  const { fence } = fenceAt();
  fence.admit('r', 0, 1);
  fence.abort('r', null, 1);
  expect([0, 1, 255].map((choice) => fence.admit('r', choice, 1))).toEqual(['aborted', 'aborted', 'aborted']);
  expect(fence.admit('r', 255, 2)).toBe('ok');
  fence.abort('r', null, 0);
  expect(fence.admit('r', 3, 1)).toBe('aborted');
});

it('an abort of an old attempt leaves the running one alone', () => {
  const { fence } = fenceAt();
  fence.admit('r', 0, 2);
  fence.abort('r', 0, 1);
  expect(fence.admit('r', 0, 2)).toBe('ok');
});

it('forgets a request that was silent for ttlMs, and only then', () => {
  const { clock, fence } = fenceAt({ ttlMs: 1000 });
  fence.abort('r', 0, 0);
  clock.nowMs = 999;
  expect(fence.admit('r', 0, 0)).toBe('aborted');
  clock.nowMs += 999;
  expect(fence.admit('r', 0, 0)).toBe('aborted');
  clock.nowMs += 1000;
  expect(fence.admit('r', 0, 0)).toBe('ok');
});

it('drops what has expired when another request is looked up', () => {
  const { clock, fence } = fenceAt({ ttlMs: 1000 });
  for (let i = 0; i < 10; i++) fence.admit(`r${i}`, 0, 0);
  expect(fence.size).toBe(10);
  clock.nowMs = 1000;
  fence.admit('s', 0, 0);
  expect(fence.size).toBe(1);
});

it('holds at most maxRequests: the one silent for longest goes', () => {
  const { clock, fence } = fenceAt({ ttlMs: 1000, maxRequests: 2 });
  fence.abort('a', 0, 0);
  clock.nowMs = 300;
  fence.abort('b', 0, 0);
  fence.admit('a', 0, 0);
  fence.admit('c', 0, 0);
  expect(fence.size).toBe(2);
  expect(fence.admit('a', 0, 0)).toBe('aborted');
  expect(fence.admit('b', 0, 0)).toBe('ok');
});
