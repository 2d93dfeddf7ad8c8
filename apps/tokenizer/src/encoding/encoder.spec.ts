import { promptChars } from './prompt-encoder.js';
import { maxReplyTokens } from './encoder.js';

test('a reply holds so many ids of the vocabulary', () => {
  const [maxPayloadBytes, vocabSize] = [1 << 20, 49_152];
  const reply = JSON.stringify({
    response: { rid: 'f'.repeat(32), promptIds: Array(maxReplyTokens(maxPayloadBytes, vocabSize)).fill(vocabSize - 1) },
    isDisposed: true,
    id: 'f'.repeat(64),
  });
  expect(reply.length).toBeLessThanOrEqual(maxPayloadBytes);
  expect(reply.length).toBeGreaterThan(maxPayloadBytes - 1024);
});

test('messages count for what they cost', () => {
  expect(promptChars({ ids: [1, 2, 3] })).toBe(0);
  expect(promptChars({ text: 'four' })).toBe(4);
  const messages = Array.from({ length: 10 }, () => ({ role: 'user' as const, content: 'four' }));
  expect(promptChars({ messages })).toBe(200);
});
