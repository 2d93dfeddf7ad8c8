import { temporaryFolder, writeAndOpen } from '../gguf/temporary-gguf.fixture.js';
import type { GgufWritable } from '../gguf/write-value.js';
import { Random } from '../random.fixture.js';
import { loadTokenizer } from './tokenizer.js';

const folder = temporaryFolder();

/** A tiny vocabulary; ids are the positions. No entry has an é, `ĠHi` cannot be merged. */
const ENTRIES = [
  '<s>',
  '</s>',
  '<|im_end|>',
  'H',
  'i',
  'Hi',
  'Ġ',
  '!',
  '<tool>',
  'Ã',
  '©',
  'ĠHi',
  '<0xE2>',
  'unused',
  '<unk>',
];
const TYPES = Int32Array.of(3, 3, 4, 1, 1, 1, 1, 1, 4, 1, 1, 1, 6, 5, 2);
const METADATA = {
  'tokenizer.ggml.model': 'gpt2',
  'tokenizer.ggml.pre': 'gpt-2',
  'tokenizer.ggml.tokens': ENTRIES,
  'tokenizer.ggml.token_type': TYPES,
  'tokenizer.ggml.merges': ['H i'],
  'tokenizer.ggml.bos_token_id': 0,
  'tokenizer.ggml.eos_token_id': 1,
};

function load(changes: Record<string, GgufWritable | undefined> = {}) {
  const metadata = Object.entries({ ...METADATA, ...changes }).filter(([, value]) => value !== undefined);
  const file = writeAndOpen(folder, Object.fromEntries(metadata) as Record<string, GgufWritable>);
  file.close();
  return loadTokenizer(file);
}

describe('Tokenizer', () => {
  test('merges within pieces and drops what no entry covers', () => {
    expect(load().encode('Hi HiH?')).toEqual([5, 6, 5, 3]);
    expect(load().encode('é')).toEqual([9, 10]);
    expect(load().encode('')).toEqual([]);
  });

  test('finds control, user-defined and unknown tokens in text', () => {
    expect(load().encode('<s>Hi<tool>!<|im_end|><unk></s>unused')).toEqual([0, 5, 8, 7, 2, 14, 1]);
  });

  test('llama-bpe takes whole pieces without merges', () => {
    expect(load({ 'tokenizer.ggml.pre': 'llama-bpe' }).encode('Hi Hi')).toEqual([5, 11]);
  });

  test.each([
    ['gpt-2', undefined, undefined, [5]],
    ['gpt-2', true, undefined, [0, 5]],
    ['gpt-2', true, true, [0, 5, 1]],
    ['llama-bpe', undefined, undefined, [0, 5]],
    ['llama-bpe', false, undefined, [5]],
  ])('%s with add_bos_token %s and add_eos_token %s', (pre, addBos, addEos, ids) => {
    const tokenizer = load({
      'tokenizer.ggml.pre': pre,
      'tokenizer.ggml.add_bos_token': addBos,
      'tokenizer.ggml.add_eos_token': addEos,
    });
    expect(tokenizer.encode('Hi', { addSpecial: true })).toEqual(ids);
    expect(tokenizer.encode('Hi')).toEqual([5]);
    expect(tokenizer.addBos).toBe(ids[0] === 0);
  });

  test('tells the bytes of tokens by their type', () => {
    const tokenizer = load();
    const bytes = ENTRIES.map((_, id) => Buffer.from(tokenizer.tokenBytes(id)).toString('latin1'));
    expect(bytes).toEqual(['', '', '', 'H', 'i', 'Hi', ' ', '!', '<tool>', '\xc3', '\xa9', ' Hi', '\xe2', '', '']);
    expect(ENTRIES.filter((_, id) => tokenizer.isSpecial(id))).toEqual(['<s>', '</s>', '<|im_end|>', '<unk>']);
    expect(tokenizer.tokenBytes(5)).toBe(tokenizer.tokenBytes(5));
  });

  test.each([-1, ENTRIES.length, 0.5])('token %d has no bytes', (id) => {
    expect(() => load().tokenBytes(id)).toThrow(RangeError);
  });

  test('knows its ends: the named ones and the known markers', () => {
    const tokenizer = load({ 'tokenizer.ggml.eot_token_id': 7 });
    expect(tokenizer.eosTokenIds).toEqual([1, 7, 2]);
    expect([tokenizer.bosTokenId, tokenizer.vocabSize]).toEqual([0, ENTRIES.length]);
    expect(load({ 'tokenizer.ggml.bos_token_id': undefined }).bosTokenId).toBeNull();
  });

  test('remembering pieces does not change ids', () => {
    const random = new Random(3);
    const tokenizer = load();
    for (let round = 0; round < 200; round++) {
      const text = Array.from({ length: random.below(90) }, () => random.pick(['H', 'i', ' ', '!', 'é', '<s>'])).join(
        '',
      );
      const ids = tokenizer.encode(text);
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(load().encode(text)).toEqual(ids);
    }
  });
});

describe('loadTokenizer', () => {
  test.each([
    ['bert', 'gpt-2', 'tokenizer "bert"'],
    ['gpt2', 'deepseek-llm', 'pre-tokenizer "deepseek-llm"'],
    ['gpt2', 'constructor', 'pre-tokenizer "constructor"'],
    ['gpt2', 'tekken', `pre-tokenizer "tekken" is not supported; use the model's safetensors`],
    ['gpt2', undefined, 'pre-tokenizer "(none)"'],
  ])('refuses %s with %s by name', (model, pre, named) => {
    expect(() => load({ 'tokenizer.ggml.model': model, 'tokenizer.ggml.pre': pre })).toThrow(
      expect.objectContaining({ code: 'unsupported_tokenizer', message: expect.stringContaining(named) }),
    );
  });

  test.each([
    ['no tokenizer', { 'tokenizer.ggml.model': undefined }, 'missing_metadata'],
    ['no tokens', { 'tokenizer.ggml.tokens': undefined }, 'missing_metadata'],
    ['no merges', { 'tokenizer.ggml.merges': undefined }, 'missing_metadata'],
    [
      'no BOS to add',
      { 'tokenizer.ggml.bos_token_id': undefined, 'tokenizer.ggml.add_bos_token': true },
      'missing_metadata',
    ],
    [
      'no EOS to add',
      { 'tokenizer.ggml.eos_token_id': undefined, 'tokenizer.ggml.add_eos_token': true },
      'missing_metadata',
    ],
    ['a BOS outside', { 'tokenizer.ggml.bos_token_id': ENTRIES.length }, 'bad_metadata'],
    ['too few types', { 'tokenizer.ggml.token_type': TYPES.slice(1) }, 'bad_metadata'],
    ['a token twice', { 'tokenizer.ggml.tokens': ENTRIES.with(3, 'i') }, 'bad_metadata'],
  ])('refuses a vocabulary with %s', (_, changes, code) => {
    expect(() => load(changes)).toThrow(expect.objectContaining({ code }));
  });

  test('without token types all entries are ordinary, but known end markers', () => {
    const tokenizer = load({ 'tokenizer.ggml.token_type': undefined });
    expect(ENTRIES.filter((_, id) => tokenizer.isSpecial(id))).toEqual(['<|im_end|>']);
  });

  test('an entry named __proto__ is like any other', () => {
    const entries = [...new Set([...ENTRIES, ...'__proto__'])];
    const tokenizer = load({
      'tokenizer.ggml.tokens': [...entries, '__proto__'],
      'tokenizer.ggml.token_type': undefined,
      'tokenizer.ggml.pre': 'llama-bpe',
    });
    expect(tokenizer.encode('__proto__', { addSpecial: false })).not.toContain(undefined);
    expect(Buffer.from(tokenizer.tokenBytes(entries.length)).toString()).toBe('__proto__');
  });
});
