import { Random } from '../random.fixture.js';
import { type SpecialToken, SpecialTokens } from './special-tokens.js';

/** What llama.cpp does, word for word: one token after the other, longest first, each in every part that is still text. */
function naiveSplit(tokens: readonly SpecialToken[], text: string): (string | number)[] {
  let parts: (string | number)[] = [text];
  for (const token of tokens.toSorted((a, b) => Buffer.byteLength(b.text) - Buffer.byteLength(a.text))) {
    parts = parts.flatMap((part) => {
      if (typeof part === 'number') return [part];
      return part.split(token.text).flatMap((rest, i) => (i === 0 ? [rest] : [token.id, rest]));
    });
  }
  return parts.filter((part) => part !== '');
}

describe('SpecialTokens', () => {
  const special = new SpecialTokens([
    { id: 1, text: '<|a|>' },
    { id: 2, text: '<|ab|>' },
    { id: 3, text: '|><|' },
    { id: 4, text: '<|' },
  ]);

  test.each([
    ['', []],
    ['plain', ['plain']],
    ['<|a|>', [1]],
    ['x<|a|>y<|ab|>', ['x', 1, 'y', 2]],
    ['<|a|><|a|>', [1, 1]],
    ['<|a', [4, 'a']],
    ['<|a|', [4, 'a|']],
    ['<a|><|b', ['<a', 3, 'b']],
    ['<|c|><|ab|>', [4, 'c|>', 2]],
  ])('splits %j', (text, parts) => {
    expect(special.split(text)).toEqual(parts);
  });

  test('the longest token takes its place even from one that begins before it', () => {
    const overlapping = new SpecialTokens([
      { id: 1, text: 'ab' },
      { id: 2, text: 'bcd' },
    ]);
    expect(overlapping.split('abcd')).toEqual(['a', 2]);
  });

  test('does what llama.cpp does for any tokens and texts', () => {
    const random = new Random(7);
    for (let round = 0; round < 2_000; round++) {
      const text = (maxLength: number) =>
        Array.from({ length: random.below(maxLength) + 1 }, () => random.pick(['a', 'b', '<', 'é'])).join('');
      // llama.cpp's order among equally long tokens is not defined: one token per length.
      const tokens = [
        ...new Map(Array.from({ length: 4 }, () => text(4)).map((t) => [Buffer.byteLength(t), t])).values(),
      ];
      const list = tokens.map((token, id) => ({ id, text: token }));
      const sample = text(24);
      expect([list, sample, new SpecialTokens(list).split(sample)]).toEqual([list, sample, naiveSplit(list, sample)]);
    }
  });
});
