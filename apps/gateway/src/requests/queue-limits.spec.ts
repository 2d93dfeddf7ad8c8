import { queueLimits } from './queue-limits.js';
import { estimateTokens } from './token-estimate.js';
import { REQUEST } from './lifecycle.fixture.js';

const limits = (places: number, config: object = {}) => {
  const { maxQueued, maxQueuedTokens } = queueLimits({ SLICEWAY_MAX_CONCURRENT_REQUESTS: 256, ...config }, { places });
  return [maxQueued(), maxQueuedTokens()];
};

it.each([
  [0, 64],
  [32, 64],
  [33, 66],
])('%d places in decode: a queue of %d', (places, queued) => {
  expect(limits(places)).toEqual([queued, queued * 2048]);
});

it('does what the configuration says', () => {
  expect(limits(100, { SLICEWAY_MAX_QUEUED_REQUESTS: 3 })).toEqual([3, 3 * 2048]);
  expect(limits(100, { SLICEWAY_MAX_QUEUED_TOKENS: 9 })).toEqual([200, 9]);
});

it.each([
  [{ ids: [1, 2, 3] }, 3],
  [{ text: 'x'.repeat(9) }, 3],
  [{ messages: [{ role: 'user', content: 'x'.repeat(8) }] as const }, 10],
])('estimates %j at %d tokens', (prompt, promptTokens) => {
  expect(estimateTokens({ ...REQUEST, prompt, choices: 2, maxTokens: 5 })).toEqual({
    promptTokens,
    completionTokens: 10,
  });
  expect(estimateTokens({ ...REQUEST, prompt }).completionTokens).toBe(256);
});
