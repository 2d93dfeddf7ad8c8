import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTokenizerFolder } from '#model/tokenizer/tokenizer-folder.js';
import type { Tokenizer } from '@sliceway/model';

interface Kind {
  readonly name: string;
  /** The tokenizer.json without its vocabulary. */
  readonly json: { readonly decoder: { readonly type: string }; readonly model: object };
  /** What Hugging Face's tokenizers put before a prompt. */
  readonly prefix: readonly number[];
  /** Their ids, without it, of each text. */
  readonly ids: readonly string[];
}

interface Fixture {
  readonly texts: readonly string[];
  readonly pieceMerges: string;
  readonly kinds: readonly Kind[];
}

function readFixture<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../test/fixtures/${name}.json`, import.meta.url), 'utf8')) as T;
}

const { texts, pieceMerges, kinds } = readFixture<Fixture>('tokenizer-json-ids');
const byteLevel = readFixture<{ entries: string; merges: string }>('pre-tokenizer-ids');
const pieces = readFixture<{ entries: string; crossing: number }>('sentence-piece-ids');

/** Tokens without bytes, and those after which some kinds put a blank. */
const SPECIAL = /<\|im|\|><\||<unk>|<s>|<\/s>|<tool>/;

describe.each(kinds)('tokenizer.json of $name', ({ name, json, prefix, ids }) => {
  const isByteLevel = json.decoder.type === 'ByteLevel';
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-model-'));
  let tokenizer: Tokenizer;

  beforeAll(() => {
    const entries = isByteLevel ? byteLevel.entries.split(' ') : pieces.entries.split(' ').slice(0, -pieces.crossing);
    const vocab = Object.fromEntries(entries.map((entry, id) => [entry, id]));
    const merges = (isByteLevel ? byteLevel.merges : pieceMerges).split('\n');
    const whole = { ...json, model: { ...json.model, vocab, merges } };
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(whole));
    tokenizer = loadTokenizerFolder(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("ids are those of Hugging Face's tokenizers", () => {
    const differing = texts
      .map((text, i) => ({ text, ids: ids[i], ours: tokenizer.encode(text).join(' ') }))
      .filter(({ ids, ours }) => ids !== ours);
    expect(differing).toEqual([]);
    expect(texts.length).toBeGreaterThan(100);
  });

  test('addSpecial adds what the post-processor does', () => {
    const plain = tokenizer.encode('a');
    expect(tokenizer.encode('a', { addSpecial: true })).toEqual([...prefix, ...plain]);
    expect(tokenizer.encode('', { addSpecial: true })).toEqual(prefix);
  });

  test('bytes of ids are the text', () => {
    const plain = texts.filter((text) => text !== '' && !SPECIAL.test(text));
    for (const text of plain) {
      const bytes = tokenizer.encode(text).map((id) => tokenizer.tokenBytes(id));
      const back = Buffer.concat(bytes).toString();
      const expected = name === 'qwen2' ? text.normalize('NFC') : text;
      expect([expected, ` ${expected}`]).toContain(back);
    }
    expect(plain.length).toBeGreaterThan(50);
  });

  test('100,000 characters take no quadratic time', () => {
    for (const text of ['a', ' ', 'the a ', texts.join('\n')]) {
      const long = text.repeat(Math.ceil(100_000 / text.length)).slice(0, 100_000);
      const startMs = performance.now();
      expect(tokenizer.encode(long).length).toBeGreaterThan(500);
      expect(performance.now() - startMs).toBeLessThan(5_000);
    }
  });
});
