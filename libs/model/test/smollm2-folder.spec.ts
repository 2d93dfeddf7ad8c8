import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openGguf } from '#model/gguf/gguf-file.js';
import { loadTokenizerFolder } from '#model/tokenizer/tokenizer-folder.js';
import { loadTokenizer } from '#model/tokenizer/tokenizer.js';
import { modelPath } from './model-path.js';

const FIXTURE = new URL('../../test/fixtures/smollm2-ids.json', import.meta.url);
const CONTROL = 3;

test('the tokenizer.json of SmolLM2 gives the ids of its GGUF file', () => {
  const file = openGguf(modelPath());
  const entries = file.getStrings('tokenizer.ggml.tokens');
  const types = file.findNumbers('tokenizer.ggml.token_type')!;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  const json = {
    added_tokens: entries
      .map((content, id) => ({ id, content, normalized: false, special: true }))
      .filter(({ id }) => types[id] === CONTROL),
    normalizer: null,
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel] },
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      unk_token: null,
      vocab: Object.fromEntries(entries.map((entry, id) => [entry, id])),
      merges: file.getStrings('tokenizer.ggml.merges'),
    },
  };
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-model-'));
  try {
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json));
    const [ofFolder, ofGguf] = [loadTokenizerFolder(folder), loadTokenizer(file)];
    const cases = JSON.parse(readFileSync(FIXTURE, 'utf8')) as { text: string; ids: string }[];
    const differing = cases
      .map(({ text, ids }) => ({ text, ids, ours: ofFolder.encode(text).join(' ') }))
      .filter(({ ids, ours }) => ids !== ours);
    expect(differing).toEqual([]);
    expect(ofFolder.vocabSize).toBe(ofGguf.vocabSize);
    for (let id = 0; id < ofGguf.vocabSize; id++) {
      if (!Buffer.from(ofFolder.tokenBytes(id)).equals(ofGguf.tokenBytes(id))) throw new Error(`token ${id} differs`);
      if (ofFolder.isSpecial(id) !== ofGguf.isSpecial(id)) throw new Error(`token ${id} is special in one only`);
    }
  } finally {
    file.close();
    rmSync(folder, { recursive: true });
  }
});
