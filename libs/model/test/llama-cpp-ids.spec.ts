import { readFileSync } from 'node:fs';
import { IncrementalDetokenizer } from '#model/text/incremental-detokenizer.js';
import { openModel } from '@sliceway/model';
import { modelPath } from './model-path.js';

const FIXTURE = new URL('../../test/fixtures/smollm2-ids.json', import.meta.url);

interface Case {
  readonly text: string;
  /** What llama.cpp answers, with blanks between. */
  readonly ids: string;
}

describe('SmolLM2-135M-Instruct', () => {
  const file = openModel(modelPath());
  afterAll(() => file.close());
  const tokenizer = file.loadTokenizer();
  const cases = JSON.parse(readFileSync(FIXTURE, 'utf8')) as Case[];

  test('1,000 texts get the ids of llama.cpp', () => {
    expect(cases).toHaveLength(1_000);
    const differing = cases
      .map(({ text, ids }) => ({ text, ids, ours: tokenizer.encode(text).join(' ') }))
      .filter(({ ids, ours }) => ids !== ours);
    expect(differing).toEqual([]);
  });

  test('ids come back as the text, unless it has special tokens or bytes that no entry covers', () => {
    const all = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
    expect(all.filter((id) => tokenizer.isSpecial(id))).toHaveLength(17);
    const covered = new Set(all.map((id) => tokenizer.tokenBytes(id)).flatMap((b) => (b.length === 1 ? [b[0]!] : [])));
    const plain = cases.filter(
      ({ text, ids }) =>
        Buffer.from(text).every((byte) => covered.has(byte)) &&
        !ids.split(' ').some((id) => tokenizer.isSpecial(Number(id))),
    );
    expect(plain.length).toBeGreaterThan(700);
    for (const { text } of plain) {
      const detokenizer = new IncrementalDetokenizer(tokenizer);
      const back = tokenizer.encode(text).map((id) => detokenizer.push(id));
      expect(back.join('') + detokenizer.flush()).toBe(text);
    }
  });

  test('the header says what the model is', () => {
    expect(file.info).toEqual({
      name: 'Smollm2 135M 8k Lc100K Mix1 Ep2',
      architecture: 'llama',
      contextLength: 8_192,
      eosTokenIds: [2, 0],
    });
    expect([tokenizer.vocabSize, tokenizer.bosTokenId, tokenizer.addBos]).toEqual([49_152, 1, false]);
    expect(file.tensors.size).toBe(272);
    expect(file.tensors.get('blk.0.ffn_down.weight')).toMatchObject({ type: 'Q4_1', shape: [1_536, 576] });
    expect(file.fingerprint()).toMatch(/^[0-9a-f]{16}$/);
  });

  test('its chat template is rendered into its special tokens', () => {
    const prompt = file.loadChatTemplate().render([{ role: 'user', content: 'Hi' }], { addGenerationPrompt: true });
    const ids = tokenizer.encode(prompt);
    expect(ids.filter((id) => tokenizer.isSpecial(id))).toEqual([1, 2, 1, 2, 1]);
  });
});
