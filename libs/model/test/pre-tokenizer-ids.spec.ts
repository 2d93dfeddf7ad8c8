import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRE_TOKENIZER_NAMES } from '#model/tokenizer/pre-tokenizers.js';
import { openModel, writeGguf } from '@sliceway/model';

const FIXTURE = new URL('../../test/fixtures/pre-tokenizer-ids.json', import.meta.url);

/** A file without these is no model. */
const SHAPE = {
  'general.architecture': 'llama',
  'llama.block_count': 1,
  'llama.context_length': 8,
  'llama.embedding_length': 2,
  'llama.feed_forward_length': 2,
  'llama.attention.head_count': 1,
  'llama.attention.layer_norm_rms_epsilon': 1e-5,
};

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
      ...SHAPE,
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.pre': pre,
      'tokenizer.ggml.tokens': entries.split(' '),
      'tokenizer.ggml.token_type': Int32Array.from(types, Number),
      'tokenizer.ggml.merges': merges.split('\n'),
      'tokenizer.ggml.bos_token_id': 0,
    };
    writeGguf(path, metadata, [{ name: 'token_embd.weight', type: 'F32', shape: [2, 1], data: new Float32Array(2) }]);
    const file = openModel(path);
    file.close();
    const tokenizer = file.loadTokenizer();
    const differing = cases
      .map(({ text, [pre]: ids }) => ({ text, ids, ours: tokenizer.encode(text!).join(' ') }))
      .filter(({ ids, ours }) => ids !== ours);
    expect(differing).toEqual([]);
    expect(cases.length).toBeGreaterThan(150);
  });
});
