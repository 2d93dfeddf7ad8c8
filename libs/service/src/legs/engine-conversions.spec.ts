import { FailureCode, FinishReason } from '@sliceway/protocol';
import { failureCodeOf, tokenEntryOf } from './engine-conversions.js';

it.each([
  [null, FinishReason.none],
  ['stop', FinishReason.stop],
  ['length', FinishReason.length],
] as const)('a token that ends its choice by %s is an entry with finish %s', (finish, expected) => {
  expect(tokenEntryOf({ rid: 'r', attempt: 2 }, { choice: 1, index: 7, token: 9, finish })).toEqual({
    rid: 'r',
    choice: 1,
    attempt: 2,
    finish: expected,
    index: 7,
    tokens: [9],
    logprobs: null,
  });
});

it('log probabilities go along where there are any', () => {
  const logprobs = { logprob: -1, top: [{ token: 3, logprob: -0.5 }] };
  const event = { choice: 0, index: 0, token: 9, finish: null, logprobs };
  expect(tokenEntryOf({ rid: 'r', attempt: 0 }, event).logprobs).toEqual([logprobs]);
});

it.each([
  [Object.assign(new Error(), { code: 'queue_full' }), FailureCode.queueFull],
  [Object.assign(new Error(), { code: 'out_of_memory' }), FailureCode.engineError],
  [Object.assign(new Error(), { code: 7 }), FailureCode.engineError],
  [new Error('bare'), FailureCode.engineError],
])('the wire code of %o', (error, code) => {
  expect(failureCodeOf(error)).toBe(code);
});
