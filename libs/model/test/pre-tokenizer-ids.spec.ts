import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTokenizer, openGguf, PRE_TOKENIZER_NAMES, writeGguf } from '@sliceway/model';

const FIXTURE = new URL('../../test/fixtures/pre-tokenizer-ids.json', import.meta.url);

interface Fixture {
  /** With blanks between. */
  readonly entries: string;
  /** One digit per entry. */
  readonly types: string;
  /** A line each. */
  readonly merges: string;
  /** `text`, and llama.cpp's ids for it by pre-tokenizer. */
  readonly cases: readonly Record<string, string>[];
}

describe('pre-tokenizers', () => {
  const { entries, types, merges, cases } = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Fixture;
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-model-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(PRE_TOKENIZER_NAMES)('%s gives the ids of llama.cpp', (pre) => {
    const path = join(folder, 'vocabulary.gguf');
    const metadata = {
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': pre,
      'tokenizer.ggml.tokens': entries.split(' '),
      'tokenizer.ggml.token_type': Int32Array.from(types, Number),
      'tokenizer.ggml.merges': merges.split('\n'),
      'tokenizer.ggml.bos_token_id': 0,
    };
    writeGguf(path, metadata, []);
    const file = openGguf(path);
    file.close();
    const tokenizer = loadTokenizer(file);
    const differing = cases
      .map(({ text, [pre]: ids }) => ({ text, ids, ours: tokenizer.encode(text!).join(' ') }))
      .filter(({ ids, ours }) => ids !== ours);
    expect(differing).toEqual([]);
    expect(cases.length).toBeGreaterThan(150);
  });
});
