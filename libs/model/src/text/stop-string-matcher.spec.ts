import { Random } from '../random.fixture.js';
import { StopStringMatcher } from './stop-string-matcher.js';

/** The definition: the shortest beginning of the text that ends with a stop string, the longest if there are several. */
function naiveMatch(text: string, stops: readonly string[]): { text: string; matched: string | undefined } {
  const longestFirst = stops.toSorted((a, b) => b.length - a.length);
  for (let end = 1; end <= text.length; end++) {
    const matched = longestFirst.find((stop) => text.slice(0, end).endsWith(stop));
    if (matched !== undefined) return { text: text.slice(0, end - matched.length), matched };
  }
  return { text, matched: undefined };
}

/** The longest end of the text that begins a stop string. */
function naiveHeld(text: string, stops: readonly string[]): string {
  for (let start = 0; start < text.length; start++) {
    const end = text.slice(start);
    if (stops.some((stop) => stop.startsWith(end))) return end;
  }
  return '';
}

describe('StopStringMatcher', () => {
  test('finds a stop string across chunks and drops what follows', () => {
    const matcher = new StopStringMatcher(['\n\nQ:']);
    expect(matcher.push('A: 12.\n')).toEqual({ text: 'A: 12.', matched: undefined });
    expect(matcher.push('\nQ')).toEqual({ text: '', matched: undefined });
    expect(matcher.push(': next')).toEqual({ text: '', matched: '\n\nQ:' });
    expect(matcher.push('more')).toEqual({ text: '', matched: '\n\nQ:' });
    expect(matcher.flush()).toBe('');
  });

  test('releases what turns out to be no stop string', () => {
    const matcher = new StopStringMatcher(['aab']);
    expect(matcher.push('a').text).toBe('');
    expect(matcher.push('a').text).toBe('');
    expect(matcher.push('a').text).toBe('a');
    expect(matcher.push('c').text).toBe('aac');
  });

  test('flush returns what was held back, and nothing is found across it', () => {
    const matcher = new StopStringMatcher(['ab']);
    expect(matcher.push('xa').text).toBe('x');
    expect(matcher.flush()).toBe('a');
    expect(matcher.push('b')).toEqual({ text: 'b', matched: undefined });
  });

  test('without stop strings everything passes', () => {
    const matcher = new StopStringMatcher([]);
    expect(matcher.push('any')).toEqual({ text: 'any', matched: undefined });
    expect(matcher.flush()).toBe('');
  });

  test('the first to be complete wins; of several at once, the longest', () => {
    expect(new StopStringMatcher(['abcd', 'c']).push('abcd')).toEqual({ text: 'ab', matched: 'c' });
    expect(new StopStringMatcher(['c', 'abc', 'bc']).push('xabc')).toEqual({ text: 'x', matched: 'abc' });
    expect(new StopStringMatcher(['ab', 'abc']).push('abc')).toEqual({ text: '', matched: 'ab' });
  });

  test('refuses an empty stop string', () => {
    expect(() => new StopStringMatcher(['a', ''])).toThrow(RangeError);
  });

  test('does what the definition says for any stop strings, texts and chunks', () => {
    const random = new Random(5);
    for (let round = 0; round < 5_000; round++) {
      const word = (maxLength: number) =>
        Array.from({ length: random.below(maxLength) + 1 }, () => random.pick(['a', 'b', 'c', '🙂', '🙃'])).join('');
      const stops = Array.from({ length: random.below(4) }, () => word(4));
      const whole = word(24);
      const matcher = new StopStringMatcher(stops);
      let seen = '';
      let released = '';
      let matched: string | undefined;
      for (const chunk of random.chunks(whole, 5)) {
        const result = matcher.push(chunk);
        seen += chunk;
        released += result.text;
        matched = result.matched;
        if (matched === undefined) expect(released).toBe(seen.slice(0, seen.length - naiveHeld(seen, stops).length));
      }
      expect({ stops, whole, text: released + matcher.flush(), matched }).toEqual({
        stops,
        whole,
        ...naiveMatch(whole, stops),
      });
    }
  });
});
