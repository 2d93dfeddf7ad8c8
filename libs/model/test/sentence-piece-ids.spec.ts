import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGguf } from '#model/gguf/gguf-file.js';
import { loadTokenizer } from '#model/tokenizer/tokenizer.js';
import { type Tokenizer, writeGguf } from '@sliceway/model';

const FIXTURE = new URL('../../test/fixtures/sentence-piece-ids.json', import.meta.url);

interface Fixture {
  /** With blanks between. */
  readonly entries: string;
  /** One digit per entry. */
  readonly types: string;
  /** With blanks between. */
  readonly scores: string;
  /** So many entries at the end go on after a word's end. */
  readonly crossing: number;
  /** `text`, and llama.cpp's ids for it by variant. */
  readonly cases: readonly Record<'text' | Variant, string>[];
}

type Variant = 'words' | 'noPrefix' | 'crossing';

describe('SentencePiece', () => {
  const { entries, types, scores, crossing, cases } = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Fixture;
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-model-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  function load(variant: Variant): Tokenizer {
    const size = types.length - (variant === 'crossing' ? 0 : crossing);
    const path = join(folder, 'vocabulary.gguf');
    const metadata = {
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.tokens': entries.split(' ').slice(0, size),
      'tokenizer.ggml.token_type': Int32Array.from(types.slice(0, size), Number),
      'tokenizer.ggml.scores': Float32Array.from(scores.split(' ').slice(0, size), Number),
      ...(variant === 'noPrefix' && { 'tokenizer.ggml.add_space_prefix': false }),
    };
    writeGguf(path, metadata, []);
    const file = openGguf(path);
    file.close();
    return loadTokenizer(file);
  }

  test.each(['words', 'noPrefix', 'crossing'] as const)('%s: ids are those of llama.cpp', (variant) => {
    const tokenizer = load(variant);
    const differing = cases
      .map(({ text, [variant]: ids }) => ({ text, ids, ours: tokenizer.encode(text).join(' ') }))
      .filter(({ ids, ours }) => ids !== ours);
    expect(differing).toEqual([]);
    expect(cases.length).toBeGreaterThan(100);
  });

  test('the vocabularies differ where they should', () => {
    for (const variant of ['noPrefix', 'crossing'] as const) {
      expect(cases.filter(({ words, [variant]: ids }) => words !== ids).length).toBeGreaterThan(5);
    }
  });

  test.each([
    ['words', ' '],
    ['noPrefix', ''],
    ['crossing', ' '],
  ] as const)('%s: bytes of ids are the text after "%s"', (variant, prefix) => {
    const tokenizer = load(variant);
    const plain = cases.filter(({ text }) => !/<s>|<\/s>|<unk>|<tool>|<\|im_end\|>/.test(text) && text !== '');
    for (const { text } of plain) {
      const bytes = tokenizer.encode(text).map((id) => tokenizer.tokenBytes(id));
      expect(Buffer.concat(bytes).toString()).toBe(prefix + text);
    }
    expect(plain.length).toBeGreaterThan(50);
  });

  test.each(['words', 'crossing'] as const)('%s: 100,000 characters of any kind take no quadratic time', (variant) => {
    const tokenizer = load(variant);
    const mixed = cases.map(({ text }) => text).join('\n');
    for (const text of ['a', ' ', 'the a ', '漢', mixed]) {
      const long = text.repeat(Math.ceil(100_000 / text.length)).slice(0, 100_000);
      const startMs = performance.now();
      expect(tokenizer.encode(long).length).toBeGreaterThan(1_000);
      // About 50 ms; going through all pairs for each merge would take minutes.
      expect(performance.now() - startMs).toBeLessThan(3_000);
    }
  });

  test('prompts begin with BOS unless the file says otherwise', () => {
    const tokenizer = load('words');
    expect([tokenizer.bosTokenId, tokenizer.addBos]).toEqual([1, true]);
    expect(tokenizer.encode('', { addSpecial: true })).toEqual([1]);
    expect(tokenizer.encode('a', { addSpecial: true })).toEqual([1, ...tokenizer.encode('a')]);
    expect(tokenizer.eosTokenIds).toEqual([2, 4]);
  });
});
