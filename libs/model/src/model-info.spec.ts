import { temporaryFolder, writeAndOpen } from './gguf/temporary-gguf.fixture.js';
import { modelInfo } from './model-info.js';

const folder = temporaryFolder();
const METADATA = {
  'general.architecture': 'llama',
  'general.name': 'Tiny',
  'llama.context_length': 64,
  'tokenizer.ggml.tokens': ['a', '<|im_end|>', '</s>'],
  'tokenizer.ggml.eos_token_id': 2,
};

describe('modelInfo', () => {
  test('says what the file says', () => {
    const file = writeAndOpen(folder, METADATA);
    file.close();
    expect(modelInfo(file)).toEqual({ name: 'Tiny', architecture: 'llama', contextLength: 64, eosTokenIds: [2, 1] });
  });

  test('a model without name is called as its file', () => {
    const { 'general.name': _, ...metadata } = METADATA;
    const file = writeAndOpen(folder, metadata);
    file.close();
    expect(modelInfo(file).name).toBe('model');
  });
});
