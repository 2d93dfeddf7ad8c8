import { temporaryFolder, writeAndOpen } from '../gguf/temporary-gguf.fixture.js';
import type { GgufWritable } from '../gguf/write-value.js';
import { crossesWords } from './sentence-piece.js';
import { loadTokenizer } from './tokenizer.js';

const folder = temporaryFolder();

const ENTRIES = ['<unk>', '<s>', '</s>', '▁', 'H', 'i', 'Hi', '▁Hi', '<tool>', '<0xC3>', '<0xA9>', '▁H', 'unused'];
const TYPES = Int32Array.of(2, 3, 1, 1, 1, 1, 1, 1, 4, 6, 6, 1, 5);
const SCORES = Float32Array.of(0, 0, 0, -9, -9, -9, -1, -3, 0, 0, 0, -2, 0);

function load(changes: Record<string, GgufWritable | undefined> = {}) {
  const metadata = Object.entries({
    'tokenizer.ggml.model': 'llama',
    'tokenizer.ggml.tokens': ENTRIES,
    'tokenizer.ggml.token_type': TYPES,
    'tokenizer.ggml.scores': SCORES,
    ...changes,
  }).filter(([, value]) => value !== undefined);
  const file = writeAndOpen(folder, Object.fromEntries(metadata) as Record<string, GgufWritable>);
  file.close();
  return loadTokenizer(file);
}

describe('SentencePiece in GGUF', () => {
  test('merges the best score first', () => {
    expect(load().encode('Hi')).toEqual([7]);
    expect(load({ 'tokenizer.ggml.tokens': ENTRIES.with(7, 'x') }).encode('Hi')).toEqual([3, 6]);
    const bestLeft = { 'tokenizer.ggml.tokens': ENTRIES.with(7, 'x'), 'tokenizer.ggml.scores': SCORES.with(11, 0) };
    expect(load(bestLeft).encode('Hi')).toEqual([11, 5]);
  });

  test('without scores the left-most pair is merged first', () => {
    const changes = { 'tokenizer.ggml.tokens': ENTRIES.with(7, 'x'), 'tokenizer.ggml.scores': undefined };
    expect(load(changes).encode('Hi')).toEqual([11, 5]);
  });

  test('other characters become bytes, and bytes without an entry the unknown token', () => {
    expect(load().encode('é?')).toEqual([3, 9, 10, 0]);
    expect(load({ 'tokenizer.ggml.unknown_token_id': 8 }).encode('?')).toEqual([3, 8]);
    expect(load().encode('\ud800')).toEqual([3, 0, 0, 0]);
  });

  test('a blank comes before text at the start and after special tokens', () => {
    expect(load().encode('Hi<tool>Hi</s> Hi')).toEqual([7, 8, 7, 2, 3, 7]);
    expect(load({ 'tokenizer.ggml.add_space_prefix': false }).encode('Hi<tool>Hi')).toEqual([6, 8, 6]);
    expect(load().encode('<s>')).toEqual([1]);
    expect(load().encode('')).toEqual([]);
  });

  test.each([
    [undefined, undefined, [1, 7]],
    [false, undefined, [7]],
    [undefined, true, [1, 7, 2]],
  ])('add_bos_token %s, add_eos_token %s', (addBos, addEos, ids) => {
    const tokenizer = load({ 'tokenizer.ggml.add_bos_token': addBos, 'tokenizer.ggml.add_eos_token': addEos });
    expect(tokenizer.encode('Hi', { addSpecial: true })).toEqual(ids);
  });

  test('ids that no metadata names are those of Llama', () => {
    const tokenizer = load();
    expect([tokenizer.bosTokenId, tokenizer.eosTokenIds]).toEqual([1, [2]]);
    expect(load({ 'tokenizer.ggml.eos_token_id': 8 }).eosTokenIds).toEqual([8, 2]);
  });

  test('tells the bytes of tokens by their type', () => {
    const tokenizer = load();
    const bytes = ENTRIES.map((_, id) => Buffer.from(tokenizer.tokenBytes(id)).toString('latin1'));
    expect(bytes).toEqual(['', '', '', ' ', 'H', 'i', 'Hi', ' Hi', '<tool>', '\xc3', '\xa9', ' H', '']);
    expect(ENTRIES.filter((_, id) => tokenizer.isSpecial(id))).toEqual(['<unk>', '<s>', '</s>']);
  });

  test('refuses scores for a part of the tokens only', () => {
    expect(() => load({ 'tokenizer.ggml.scores': SCORES.slice(1) })).toThrow(
      expect.objectContaining({ code: 'bad_metadata', message: expect.stringContaining('tokenizer.ggml.scores') }),
    );
  });
});

test.each([
  ['▁▁a', false],
  ['▁', false],
  ['▁▁', false],
  ['a', false],
  ['a▁', true],
  ['▁a▁b', true],
  ['🙂▁', true],
])('%s crosses words: %s', (entry, crosses) => {
  expect(crossesWords(entry)).toBe(crosses);
});
