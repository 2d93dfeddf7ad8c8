import { Random } from '../random.fixture.js';
import { IncrementalDetokenizer } from './incremental-detokenizer.js';

/** Tokens are their own bytes: token i of the list. */
function detokenizerOf(tokens: readonly Uint8Array[]) {
  return new IncrementalDetokenizer({ tokenBytes: (id) => tokens[id]! });
}

/** Texts that the tokens give one by one, and at the end. */
function run(tokens: readonly Uint8Array[]): string[] {
  const detokenizer = detokenizerOf(tokens);
  return [...tokens.map((_, id) => detokenizer.push(id)), detokenizer.flush()];
}

const bytes = (...values: number[]) => Uint8Array.from(values);

describe('IncrementalDetokenizer', () => {
  test('a character appears with its last byte', () => {
    const [b1, b2, b3, b4] = Buffer.from('🙂');
    expect(run([bytes(0x61, b1!), bytes(b2!), bytes(), bytes(b3!), bytes(b4!, 0x62)])).toEqual([
      'a',
      '',
      '',
      '',
      '🙂b',
      '',
    ]);
  });

  test('a dangling tail becomes one U+FFFD, and a new text may follow', () => {
    const tokens = [bytes(0x61, 0xf0, 0x9f), bytes(0x62)];
    const detokenizer = detokenizerOf(tokens);
    expect([detokenizer.push(0), detokenizer.flush(), detokenizer.push(1), detokenizer.flush()]).toEqual([
      'a',
      '\ufffd',
      'b',
      '',
    ]);
  });

  test('a byte order mark is text', () => {
    expect(run([bytes(0xef, 0xbb), bytes(0xbf, 0x61)]).join('')).toBe('\ufeffa');
  });

  test('any text in any parts comes back whole, a character at a time', () => {
    const random = new Random(11);
    const characters = [
      'a',
      ' ',
      'é',
      'ß',
      '漢',
      '字',
      '🙂',
      '\u{10ffff}',
      '\u0301',
      '\u200d',
      '\0',
      '\ufeff',
      '\ufffd',
    ];
    for (let round = 0; round < 2_000; round++) {
      const text = Array.from({ length: random.below(20) }, () => random.pick(characters)).join('');
      const texts = run(random.chunks(Buffer.from(text), 4));
      expect(texts.join('')).toBe(text);
      expect(texts.some((part) => /[\ud800-\udfff]/u.test(part))).toBe(false);
      expect(texts.at(-1)).toBe('');
    }
  });

  test('any bytes in any parts are decoded as WHATWG says', () => {
    const random = new Random(12);
    const values = [
      0x41, 0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xa0, 0x9f, 0xe2, 0x82, 0xac, 0xed, 0xf0, 0x90, 0x98, 0xf4, 0x8f, 0xff, 0xef,
      0xbb,
    ];
    for (let round = 0; round < 5_000; round++) {
      const whole = Uint8Array.from({ length: random.below(12) }, () => random.pick(values));
      const expected = new TextDecoder('utf-8', { ignoreBOM: true }).decode(whole);
      expect(run(random.chunks(whole, 3)).join('')).toBe(expected);
    }
  });
});
