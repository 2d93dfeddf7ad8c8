import { FinishReason, type TextEntry, type TokenEntry } from '@sliceway/protocol';
import { ChoiceText } from './choice-text.js';
import { BYTES, entry, RID, tokensOf } from './entries.fixture.js';

function run(stop: readonly string[], ...entries: TokenEntry[]): TextEntry[] {
  const text = new ChoiceText(BYTES, stop);
  return entries.map((one) => text.take(one));
}

const [STOP, LENGTH, NONE] = [FinishReason.stop, FinishReason.length, FinishReason.none];

describe('ChoiceText', () => {
  test('text comes with its tokens, and tokens come without text inside a character', () => {
    const [a, b] = tokensOf('é');
    expect(run([], entry(0, 'x'), entry(1, [a!]), entry(2, [b!, 0x79], { finish: LENGTH }))).toEqual([
      {
        rid: RID,
        choice: 0,
        attempt: 0,
        finish: NONE,
        index: 0,
        tokens: [0x78],
        text: 'x',
        matchedStop: null,
        logprobs: null,
      },
      {
        rid: RID,
        choice: 0,
        attempt: 0,
        finish: NONE,
        index: 1,
        tokens: [a],
        text: '',
        matchedStop: null,
        logprobs: null,
      },
      {
        rid: RID,
        choice: 0,
        attempt: 0,
        finish: LENGTH,
        index: 2,
        tokens: [b, 0x79],
        text: 'éy',
        matchedStop: null,
        logprobs: null,
      },
    ]);
  });

  test('half a character at the end becomes U+FFFD', () => {
    expect(run([], entry(0, [0x61, 0xc3], { finish: LENGTH }))).toMatchObject([{ text: 'a\ufffd', finish: LENGTH }]);
  });

  test('a stop string across tokens ends the choice before it', () => {
    const texts = run(['\n\n', 'END'], entry(0, 'a'), entry(1, 'bE'), entry(3, 'N'), entry(4, 'Dcd'));
    expect(texts.map(({ text }) => text)).toEqual(['a', 'b', '', '']);
    expect(texts[3]).toMatchObject({ finish: STOP, matchedStop: 'END', index: 4, tokens: tokensOf('D') });
  });

  test('what began as a stop string comes when it is none, and at the end', () => {
    const texts = run(['END'], entry(0, 'E'), entry(1, 'NE'), entry(3, 'N', { finish: LENGTH }));
    expect(texts.map(({ text }) => text)).toEqual(['', 'EN', 'EN']);
    expect(texts[2]).toMatchObject({ finish: LENGTH, matchedStop: null });
  });

  test('a stop string beats the end that comes with it', () => {
    expect(run(['b'], entry(0, 'ab', { finish: LENGTH }))).toMatchObject([
      { text: 'a', finish: STOP, matchedStop: 'b' },
    ]);
  });

  test('a stop string may end in the U+FFFD of half a character', () => {
    expect(run(['\ufffd'], entry(0, [0x61, 0xc3], { finish: LENGTH }))).toMatchObject([
      { text: 'a', finish: STOP, matchedStop: '\ufffd' },
    ]);
  });

  test.each([
    ['ordinary', 0x21],
    ['special', 256],
  ])('a stop token (%s) gives no text and says which one it was', (_, token) => {
    const [end] = run(['!'], entry(0, [0x61, token], { finish: STOP }));
    expect(end).toMatchObject({ text: 'a', tokens: [0x61, token], finish: STOP, matchedStop: token });
  });

  test('a special token that does not end the choice gives no text', () => {
    expect(run([], entry(0, [0x61, 256, 0x62]))).toMatchObject([{ text: 'ab', tokens: [0x61, 256, 0x62] }]);
  });

  test('an end without tokens brings what was held back', () => {
    expect(run(['bc'], entry(0, 'ab'), entry(2, '', { finish: STOP }))).toMatchObject([
      { text: 'a' },
      { text: 'b', tokens: [], finish: STOP, matchedStop: null },
    ]);
  });

  describe('log probabilities', () => {
    const [X, Y] = tokensOf('xy') as [number, number];
    const logprobs = (...tokens: number[]) =>
      tokens.map((token) => ({
        logprob: -token,
        top: [
          { token, logprob: -token },
          { token: 256, logprob: -9 },
        ],
      }));
    const end = Buffer.from('<end>');
    const shown = (token: number, bytes: Uint8Array = Uint8Array.of(token)) => ({
      ...{ bytes, logprob: -token },
      top: [
        { token, bytes, logprob: -token },
        { token: 256, bytes: new Uint8Array(end), logprob: -9 },
      ],
    });
    const run = (stop: readonly string[], ...entries: TokenEntry[]) => {
      const text = new ChoiceText(BYTES, stop);
      return entries.map((one) => text.take(one));
    };

    test('come with their tokens and the bytes of each, the name of a special one', () => {
      expect(run([], entry(0, [X, 256], { logprobs: logprobs(X, 256) }), entry(2, [Y]))).toMatchObject([
        { tokens: [X, 256], text: 'x', logprobs: [shown(X), shown(256, new Uint8Array(end))] },
        { tokens: [Y], text: 'y', logprobs: null },
      ]);
    });

    test('not of the stop token', () => {
      expect(
        run(
          [],
          entry(0, [X, Y], { finish: STOP, logprobs: logprobs(X, Y) }),
          entry(2, [Y], { finish: STOP, logprobs: logprobs(Y) }),
        ).map(({ logprobs: them }) => them),
      ).toEqual([[shown(X)], []]);
    });

    test('not of what follows a stop string, but of the tokens that made it', () => {
      const [first] = run(['xy'], entry(0, [X, Y, X], { logprobs: logprobs(X, Y, X), finish: LENGTH }));
      expect(first).toMatchObject({ tokens: [X, Y], text: '', matchedStop: 'xy', logprobs: [shown(X), shown(Y)] });
    });

    test('of a token outside the vocabulary are refused', () => {
      const bad = [{ logprob: 0, top: [{ token: 300, logprob: 0 }] }];
      expect(() => run([], entry(0, [X], { logprobs: bad }))).toThrow(RangeError);
    });
  });
});
