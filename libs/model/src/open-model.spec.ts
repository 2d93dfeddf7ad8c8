import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './gguf/temporary-gguf.fixture.js';
import { writeGguf } from './gguf/gguf-writer.js';
import { openModel } from './open-model.js';
import { TINY_CONFIG, TINY_TENSORS, writeFolder } from './safetensors/folder-model.fixture.js';

const parent = temporaryFolder();
const METADATA = {
  'general.architecture': 'llama',
  'general.name': 'Tiny',
  'llama.block_count': 1,
  'llama.context_length': 64,
  'llama.embedding_length': 4,
  'llama.feed_forward_length': 6,
  'llama.attention.head_count': 1,
  'llama.attention.layer_norm_rms_epsilon': 0.5,
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'qwen2',
  'tokenizer.ggml.tokens': ['a', 'b', '<|im_end|>'],
  'tokenizer.ggml.token_type': Int32Array.of(1, 1, 3),
  'tokenizer.ggml.merges': [],
  'tokenizer.ggml.eos_token_id': 2,
  'tokenizer.chat_template': '{{ messages[0].content }}',
};
const EMBEDDING = {
  name: 'token_embd.weight',
  type: 'F32',
  shape: [4, 3],
  data: Float32Array.from({ length: 12 }, (_, i) => i),
};

function writeGgufs(folder: string, ...names: string[]): string {
  mkdirSync(folder, { recursive: true });
  for (const name of names) writeGguf(join(folder, name), METADATA, [EMBEDDING]);
  return folder;
}

const one = writeGgufs(join(parent, 'one'), 'tiny.gguf');
const weights = writeFolder(join(parent, 'weights'), { 'config.json': TINY_CONFIG, 'model.safetensors': TINY_TENSORS });

describe('openModel', () => {
  test.each([
    ['a .gguf file', join(one, 'tiny.gguf'), join(one, 'tiny.gguf')],
    ['a folder of one', one, join(one, 'tiny.gguf')],
    ['a folder of safetensors', weights, weights],
    ['its config.json', join(weights, 'config.json'), weights],
    ['its weights', join(weights, 'model.safetensors'), weights],
  ])('%s', (_, path, expected) => {
    const model = openModel(path);
    model.close();
    expect(model.path).toBe(expected);
  });

  test.each([
    ['a file', 'one/tiny.gguf', 'one/tiny.gguf'],
    ['a folder of one', 'one', 'one/tiny.gguf'],
    ['a folder of safetensors', 'weights', 'weights'],
  ])('a link stands for %s, and so does a link to it', (_, target, expected) => {
    const folder = mkdtempSync(join(parent, 'links-'));
    symlinkSync(join('..', target), join(folder, 'current'));
    symlinkSync('current', join(folder, 'default'));
    for (const link of ['current', 'default']) {
      const model = openModel(join(folder, link));
      model.close();
      expect(model.path).toBe(join(parent, expected));
    }
  });

  test('a link that is named as a .gguf keeps its name', () => {
    const folder = mkdtempSync(join(parent, 'links-'));
    symlinkSync(join('..', 'one', 'tiny.gguf'), join(folder, 'named.gguf'));
    const model = openModel(join(folder, 'named.gguf'));
    model.close();
    expect(model.path).toBe(join(folder, 'named.gguf'));
  });

  test.each(['nowhere', 'circle'])('a link to %s is refused', (target) => {
    const folder = mkdtempSync(join(parent, 'links-'));
    symlinkSync(target, join(folder, 'circle'));
    expect(() => openModel(join(folder, 'circle'))).toThrow(/cannot open the model .*circle/);
  });

  test('config.json decides, whatever .gguf lies beside it', () => {
    const folder = writeFolder(writeGgufs(join(parent, 'both'), 'tiny.gguf'), {
      'config.json': TINY_CONFIG,
      'model.safetensors': TINY_TENSORS,
    });
    const model = openModel(folder);
    model.close();
    expect(model.path).toBe(folder);
  });

  test('a GGUF model says all about itself', () => {
    const model = openModel(join(one, 'tiny.gguf'));
    const tensor = model.tensors.get('token_embd.weight')!;
    expect(new Float32Array(model.readTensor(tensor).buffer)[11]).toBe(11);
    expect(model.fingerprint()).toMatch(/^[0-9a-f]{16}$/);
    model.close();
    expect(model.info).toEqual({ name: 'Tiny', architecture: 'llama', contextLength: 64, eosTokenIds: [2] });
    expect(model.config).toMatchObject({ layers: 1, hidden: 4, vocabSize: 3 });
    expect(model.loadTokenizer().encode('ba')).toEqual([1, 0]);
    expect(model.loadChatTemplate().render([{ role: 'user', content: 'a' }])).toBe('a');
    expect(() => model.readTensor(tensor)).toThrow(expect.objectContaining({ code: 'unreadable' }));
    expect(() => model.readTensor({ ...tensor, name: 'x' })).toThrow(
      expect.objectContaining({ code: 'missing_tensor' }),
    );
  });

  const several = writeGgufs(join(parent, 'several'), 'b.gguf', 'a.GGUF');
  const nothing = writeFolder(join(parent, 'nothing'), { 'model.safetensors': TINY_TENSORS });
  writeFileSync(join(parent, 'page.html'), '<html>an error page</html>');

  test.each([
    ['nothing', join(parent, 'none.gguf'), 'unreadable', /cannot open the model .*none\.gguf/],
    ['a file of no folder', join(parent, 'none', 'config.json'), 'unreadable', /cannot open the model .*none:/],
    ['several .gguf files', several, 'missing_file', /name one of them: a\.GGUF, b\.gguf/],
    ['weights without config.json', nothing, 'missing_file', /neither config\.json nor a \.gguf file/],
    ['another file', join(parent, 'page.html'), 'bad_magic', /page\.html: this is no GGUF file/],
    ['what is no file', '/dev/null', 'unreadable', /\/dev\/null is no file/],
  ])('%s is refused', (_, path, code, message) => {
    expect(() => openModel(path)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
});
