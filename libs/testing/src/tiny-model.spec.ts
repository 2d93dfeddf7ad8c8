import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openModel } from '@sliceway/model';
import { tinyModel } from './tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'sliceway-testing-'));
afterAll(() => rmSync(folder, { recursive: true }));

function open(path: string) {
  const model = openModel(path);
  model.close();
  return model;
}

function fingerprint(path: string): string {
  const model = openModel(path);
  try {
    return model.fingerprint();
  } finally {
    model.close();
  }
}

describe('tinyModel', () => {
  test('speaks all bytes, a few merges and ChatML', () => {
    const model = open(tinyModel(folder));
    const tokenizer = model.loadTokenizer();
    expect(model.info).toMatchObject({ name: 'tiny', contextLength: 512, eosTokenIds: [258, 256] });
    expect(tokenizer.vocabSize).toBe(266);
    for (let byte = 0; byte < 256; byte++) expect([...tokenizer.tokenBytes(byte)]).toEqual([byte]);
    const [hello, the, e] = [264, 263, 265];
    expect(tokenizer.encode('hello the hé')).toEqual([hello, the, 0x20, 0x68, e]);
    expect(Buffer.from(tokenizer.tokenBytes(the)).toString()).toBe(' the');
    const prompt = model.loadChatTemplate().render([{ role: 'user', content: '!' }], { addGenerationPrompt: true });
    expect(prompt).toBe('<|im_start|>user\n!<|im_end|>\n<|im_start|>assistant\n');
    expect(tokenizer.encode(prompt).filter((id) => tokenizer.isSpecial(id))).toEqual([257, 258, 257]);
  });

  test('is the same file for the same seed, and another one for another', () => {
    const again = join(folder, 'again');
    mkdirSync(again);
    const first = tinyModel(folder, { seed: 1 });
    expect(readFileSync(tinyModel(again, { seed: 1 })).equals(readFileSync(first))).toBe(true);
    expect(fingerprint(tinyModel(folder, { seed: 2 }))).not.toBe(fingerprint(first));
  });

  test('without special tokens has the weights of the reference of libs/engine', () => {
    const fixture = new URL('../../engine/test/reference/tiny-llama.json', import.meta.url);
    const { weights } = JSON.parse(readFileSync(fixture, 'utf8')) as { weights: { sha256: string; count: number } };
    const model = openModel(tinyModel(folder, { specialTokens: false }));
    const hash = createHash('sha256');
    let bytes = 0;
    for (const tensor of model.tensors.values()) {
      hash.update(model.readTensor(tensor));
      bytes += tensor.byteLength;
    }
    model.close();
    expect([bytes / 4, hash.digest('hex')]).toEqual([weights.count, weights.sha256]);
  });
});
