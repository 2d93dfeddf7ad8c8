import { FailureCode, FinishReason, NO_SECTIONS } from '@sliceway/protocol';
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
    sections: NO_SECTIONS,
  });
});

it.each([
  [Object.assign(new Error(), { code: 'queue_full' }), FailureCode.queueFull],
  [Object.assign(new Error(), { code: 'out_of_memory' }), FailureCode.engineError],
  [Object.assign(new Error(), { code: 7 }), FailureCode.engineError],
  [new Error('bare'), FailureCode.engineError],
])('the wire code of %o', (error, code) => {
  expect(failureCodeOf(error)).toBe(code);
});
