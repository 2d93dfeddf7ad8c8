import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openModel } from '@sliceway/model';
import { familyWeights } from './family-weights.js';
import { type FamilySpec, tinyFamily } from './tiny-family.js';

const file = new URL('../../engine/test/reference/families.json', import.meta.url);
const { families } = JSON.parse(readFileSync(file, 'utf8')) as {
  readonly families: readonly (FamilySpec & { readonly weights: string })[];
};
const folder = mkdtempSync(join(tmpdir(), 'sliceway-families-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(families)('$name', (family) => {
  const bytesOf = ({ data }: { readonly data: Float32Array }) => new Uint8Array(data.buffer);

  test('has the weights of the reference', () => {
    const hash = createHash('sha256');
    for (const tensor of familyWeights(family.config, family.seed)) hash.update(bytesOf(tensor));
    expect(hash.digest('hex')).toBe(family.weights);
  });

  test('has the same tensors and tokens in both formats, q and k of a llama aside', () => {
    const folderModel = openModel(tinyFamily(folder, family, 'safetensors'));
    const ggufModel = openModel(tinyFamily(folder, family, 'gguf'));
    for (const [name, tensor] of folderModel.tensors) {
      const other = ggufModel.tensors.get(name)!;
      expect([name, other.shape]).toEqual([name, tensor.shape]);
      if (/attn_[qk]/.test(name) && ggufModel.config.ropeInterleaved) continue;
      expect(Buffer.compare(ggufModel.readTensor(other), folderModel.readTensor(tensor))).toBe(0);
    }
    const extra = [...ggufModel.tensors.keys()].filter((name) => !folderModel.tensors.has(name));
    expect(extra).toEqual(family.name === 'llama-llama3' ? ['rope_freqs.weight'] : []);
    const text = '<|im_start|>user\nhello the hé 42<|im_end|>\n';
    expect(folderModel.loadTokenizer().encode(text)).toEqual(ggufModel.loadTokenizer().encode(text));
    expect(folderModel.info).toEqual({ ...ggufModel.info, contextLength: folderModel.config.contextLength });
    const message = [{ role: 'user', content: '!' }];
    const rendered = folderModel.loadChatTemplate().render(message, { addGenerationPrompt: true });
    expect(rendered).toBe(ggufModel.loadChatTemplate().render(message, { addGenerationPrompt: true }));
    folderModel.close();
    ggufModel.close();
  });
});

test("a llama's rows of q pair up in the GGUF: 0 and 8 of a head of 16 come first", () => {
  const spec = families.find(({ name }) => name === 'llama-gqa-untied')!;
  const q = familyWeights(spec.config, spec.seed).find(({ name }) => name.endsWith('0.self_attn.q_proj.weight'))!;
  const model = openModel(tinyFamily(folder, { ...spec, name: 'pairs' }, 'gguf'));
  const stored = new Float32Array(model.readTensor(model.tensors.get('blk.0.attn_q.weight')!).buffer);
  model.close();
  const rows = (values: Float32Array, ...indexes: number[]) =>
    indexes.map((i) => [...values.subarray(i * 64, i * 64 + 64)]);
  expect(rows(stored, 0, 1, 2, 17)).toEqual(rows(q.data, 0, 8, 1, 24));
});

test('shards share the tensors out, and the index finds them', () => {
  const spec = { ...families[0]!, name: 'sharded' };
  const whole = openModel(tinyFamily(folder, { ...spec, name: 'whole' }, 'safetensors'));
  const path = tinyFamily(folder, spec, 'safetensors', { shards: 2 });
  expect(readdirSync(path).filter((name) => name.startsWith('model'))).toEqual([
    'model-00001-of-00002.safetensors',
    'model-00002-of-00002.safetensors',
    'model.safetensors.index.json',
  ]);
  const sharded = openModel(path);
  expect([...sharded.tensors.keys()].sort()).toEqual([...whole.tensors.keys()].sort());
  for (const [name, tensor] of sharded.tensors) {
    expect(Buffer.compare(sharded.readTensor(tensor), whole.readTensor(whole.tensors.get(name)!))).toBe(0);
  }
  whole.close();
  sharded.close();
});
