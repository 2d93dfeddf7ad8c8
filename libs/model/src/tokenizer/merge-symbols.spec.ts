import { Random } from '../random.fixture.js';
import { mergeSymbols } from './merge-symbols.js';

/** The definition: all pairs are looked at for each merge. */
function naiveMerge(text: string, rankOf: (left: string, right: string) => number | null): string[] {
  const symbols = [...text];
  for (;;) {
    let best = -1;
    let bestRank = Infinity;
    for (let i = 0; i + 1 < symbols.length; i++) {
      const rank = rankOf(symbols[i]!, symbols[i + 1]!);
      if (rank !== null && rank < bestRank) [best, bestRank] = [i, rank];
    }
    if (best < 0) return symbols;
    symbols.splice(best, 2, symbols[best]! + symbols[best + 1]!);
  }
}

describe('mergeSymbols', () => {
  const always = () => 0;

  test.each([
    ['', []],
    ['a', ['a']],
    ['🙂', ['🙂']],
    ['a🙂b', ['a🙂b']],
  ])('%j with any pair merged', (text, symbols) => {
    expect(mergeSymbols(text, always)).toEqual(symbols);
  });

  test('the left-most of equal pairs is merged first', () => {
    const rankOf = (text: string, start: number, _: number, end: number) =>
      text.slice(start, end) === 'aa' ? 3 : null;
    expect(mergeSymbols('aaaaa', rankOf)).toEqual(['aa', 'aa', 'a']);
  });

  test('does what the definition says for any ranks of pairs and of joined texts', () => {
    const random = new Random(5);
    for (let round = 0; round < 3_000; round++) {
      const ranks = new Map<string, number>();
      const ofPair = random.below(2) === 0;
      const rankOf = (left: string, right: string): number | null => {
        const key = ofPair ? `${left} ${right}` : left + right;
        if (!ranks.has(key)) ranks.set(key, random.below(6));
        const rank = ranks.get(key)!;
        return rank < 4 && left.length + right.length < 9 ? rank : null;
      };
      const text = Array.from({ length: random.below(30) }, () => random.pick(['a', 'b', '🙂'])).join('');
      const symbols = mergeSymbols(text, (whole, start, middle, end) =>
        rankOf(whole.slice(start, middle), whole.slice(middle, end)),
      );
      expect([text, symbols]).toEqual([text, naiveMerge(text, rankOf)]);
    }
  });
});
