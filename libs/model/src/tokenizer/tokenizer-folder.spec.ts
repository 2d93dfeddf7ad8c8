import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../gguf/temporary-gguf.fixture.js';
import { loadTokenizerFolder } from './tokenizer-folder.js';

const root = temporaryFolder();

const VOCAB = { '<unk>': 0, '<s>': 1, '</s>': 2, '▁': 3, H: 4, i: 5, Hi: 6, '<0xC3>': 7, '<0xA9>': 8 };
const MODEL = { type: 'BPE', unk_token: '<unk>', byte_fallback: true, vocab: VOCAB, merges: ['H i'] };
const ADDED = [
  { id: 1, content: '<s>', special: true },
  { id: 2, content: '</s>', special: true },
  { id: 9, content: '<tool>', special: false },
  { id: 11, content: '<|im_end|>', special: false },
];
const METASPACE = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: false };
const JSON_FILE = { added_tokens: ADDED, pre_tokenizer: METASPACE, model: MODEL };

const BOS_ITEM = { SpecialToken: { id: '<s>', type_id: 0 } };
const SEQUENCE = { Sequence: { id: 'A', type_id: 0 } };

type Files = Readonly<Record<string, object | string>>;

function folderOf(files: Files): string {
  const folder = mkdtempSync(join(root, 'model-'));
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

function load(json: object = {}, files: Files = {}) {
  return loadTokenizerFolder(folderOf({ 'tokenizer.json': { ...JSON_FILE, ...json }, ...files }));
}

describe('loadTokenizerFolder', () => {
  test('encodes, with added tokens', () => {
    expect(load().encode('Hi<tool>é</s>')).toEqual([3, 6, 9, 7, 8, 2]);
    expect(load().encode('')).toEqual([]);
  });

  test('merges may be arrays', () => {
    expect(load({ model: { ...MODEL, merges: [['H', 'i']] } }).encode('Hi')).toEqual([3, 6]);
  });

  test('tells bytes and special tokens; ids without an entry have no bytes', () => {
    const tokenizer = load({}, { 'config.json': { vocab_size: 14 } });
    const ids = Array.from({ length: 14 }, (_, id) => id);
    const bytes = ids.map((id) => Buffer.from(tokenizer.tokenBytes(id)).toString('latin1'));
    expect(bytes).toEqual(['', '', '', ' ', 'H', 'i', 'Hi', '\xc3', '\xa9', '<tool>', '', '', '', '']);
    expect(ids.filter((id) => tokenizer.isSpecial(id))).toEqual([0, 1, 2, 11]);
    expect(() => tokenizer.tokenBytes(14)).toThrow(RangeError);
    expect(load().vocabSize).toBe(12);
  });

  test('byte-level entries are bytes, added ones text', () => {
    const tokenizer = load({
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false },
      added_tokens: [{ id: 3, content: 'Ġé', special: false }],
      model: { type: 'BPE', vocab: { Ġ: 0, Ã: 1, '©': 2 }, merges: [] },
    });
    expect(tokenizer.encode(' éĠé')).toEqual([0, 1, 2, 3]);
    const bytes = [0, 1, 2, 3].map((id) => tokenizer.tokenBytes(id));
    expect(Buffer.concat(bytes).toString()).toBe(' éĠé');
  });

  test('ends are those of the model, of the tokenizer, then known markers', () => {
    const tokenizerConfig = { 'tokenizer_config.json': { eos_token: { content: '</s>' } } };
    expect(load({}, tokenizerConfig).eosTokenIds).toEqual([2, 11]);
    const config = { ...tokenizerConfig, 'config.json': { eos_token_id: 5 } };
    expect(load({}, config).eosTokenIds).toEqual([5, 2, 11]);
    const generation = { ...config, 'generation_config.json': { eos_token_id: [6, 5, 99] } };
    expect(load({}, generation).eosTokenIds).toEqual([6, 5, 2, 11]);
    expect(load({}, { 'special_tokens_map.json': { eos_token: '</s>' } }).eosTokenIds).toEqual([2, 11]);
  });

  test.each([
    [{ 'tokenizer_config.json': { bos_token: '<s>' } }, 1],
    [{ 'special_tokens_map.json': { bos_token: { content: '<s>' } } }, 1],
    [{ 'config.json': { bos_token_id: 4 } }, 4],
    [{ 'config.json': { bos_token_id: 4 }, 'tokenizer_config.json': { bos_token: null } }, null],
    [{}, null],
  ])('BOS of %j is %s', (files, bosTokenId) => {
    expect(load({}, files).bosTokenId).toBe(bosTokenId);
  });

  test('added tokens without a row in the model are text', () => {
    const padded = { added_tokens: [...ADDED, { id: 12, content: '<pad>', special: true }] };
    const within = load(padded, { 'config.json': { vocab_size: 13 } });
    expect([within.vocabSize, within.encode('<pad>')]).toEqual([13, [12]]);
    const beyond = load(padded, { 'config.json': { vocab_size: 12 } });
    expect(beyond.vocabSize).toBe(12);
    expect(beyond.encode('Hi<pad>Hi')).not.toContain(12);
    expect(load(padded).vocabSize).toBe(13);
  });

  test('addSpecial adds what the post-processor does, around the prompt', () => {
    const special = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
    const template = {
      type: 'TemplateProcessing',
      single: [special('<s>'), { Sequence: { id: 'A', type_id: 0 } }, special('</s>')],
      special_tokens: { '<s>': { ids: [1] }, '</s>': { ids: [2] } },
    };
    const post_processor = { type: 'Sequence', processors: [{ type: 'ByteLevel' }, template] };
    const tokenizer = load({ post_processor }, { 'tokenizer_config.json': { bos_token: '<s>' } });
    expect(tokenizer.addBos).toBe(true);
    expect(tokenizer.encode('Hi', { addSpecial: true })).toEqual([1, 3, 6, 2]);
    expect(load().addBos).toBe(false);
    const roberta = { type: 'RobertaProcessing', cls: ['<s>', 1], sep: ['</s>', 2] };
    expect(load({ post_processor: roberta }).encode('Hi', { addSpecial: true })).toEqual([1, 3, 6, 2]);
  });

  test.each([
    ['Unigram', { model: { type: 'Unigram', vocab: [['a', 0]] } }],
    ['Unigram', { model: { vocab: [['a', 0]] } }],
    ['WordPiece', { model: { vocab: { a: 0 } } }],
    ['end_of_word_suffix', { model: { ...MODEL, end_of_word_suffix: '</w>' } }],
    ['byte_fallback', { model: { ...MODEL, byte_fallback: false } }],
    ['normalizer "Lowercase"', { normalizer: { type: 'Lowercase' } }],
    ['pre-tokenizer "Whitespace"', { pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Whitespace' }] } }],
    ['MergedWithPrevious', { pre_tokenizer: { type: 'Split', behavior: 'MergedWithPrevious' } }],
    ['post-processor "TemplateProcessing"', { post_processor: { type: 'TemplateProcessing', single: [] } }],
    ['single_word', { added_tokens: [{ id: 9, content: 'x', single_word: true }] }],
    ['pipeline', { pre_tokenizer: { type: 'Split', pattern: { Regex: '(' }, behavior: 'Isolated' } }],
  ])('refuses %s by name', (named, json) => {
    expect(() => load(json)).toThrow(
      expect.objectContaining({ code: 'unsupported_tokenizer', message: expect.stringContaining(named) }),
    );
  });

  test.each<[string, Files, string, string]>([
    ['no tokenizer.json', {}, 'missing_file', 'tokenizer.json (tokenizer.model is not read); use a GGUF file'],
    ['a cut one', { 'tokenizer.json': '{"model": {' }, 'not_json', 'tokenizer.json'],
    ['no object', { 'tokenizer.json': '[]' }, 'bad_metadata', 'tokenizer.json'],
    ['no model', { 'tokenizer.json': {} }, 'missing_metadata', 'model'],
    ['no ids', { 'tokenizer.json': { model: { ...MODEL, vocab: { a: 'b' } } } }, 'bad_metadata', 'vocab'],
    ['no merges', { 'tokenizer.json': { model: { ...MODEL, merges: ['a'] } } }, 'bad_metadata', 'merges'],
    [
      'a nameless token',
      { 'tokenizer.json': { ...JSON_FILE, added_tokens: [{ id: 1 }] } },
      'missing_metadata',
      'added_tokens[0]',
    ],
    ['a bad config', { 'tokenizer.json': JSON_FILE, 'config.json': '?' }, 'not_json', 'config.json'],
    ...(
      [
        [{ type: 'TemplateProcessing', single: 0 }, 'single is 0'],
        [{ type: 'TemplateProcessing', single: [null] }, 'single is null'],
        [{ type: 'TemplateProcessing', single: ['$A'] }, 'single is "$A"'],
        [{ type: 'TemplateProcessing', single: [BOS_ITEM, SEQUENCE], special_tokens: { '<s>': {} } }, 'ids is'],
        [
          { type: 'TemplateProcessing', single: [BOS_ITEM, SEQUENCE], special_tokens: { '<s>': { ids: '1' } } },
          'ids is',
        ],
        [{ type: 'BertProcessing', cls: ['<s>'], sep: ['</s>', 2] }, 'cls is ["<s>"]'],
        [{ type: 'RobertaProcessing', cls: ['<s>', 1], sep: 2 }, 'sep is 2'],
      ] as const
    ).map(([post_processor, named]): [string, Files, string, string] => [
      `a post-processor whose ${named}`,
      { 'tokenizer.json': { ...JSON_FILE, post_processor } },
      'bad_metadata',
      named,
    ]),
    [
      'bad ends',
      { 'tokenizer.json': JSON_FILE, 'generation_config.json': { eos_token_id: '</s>' } },
      'bad_metadata',
      'generation_config.json: eos_token_id',
    ],
  ])('%s is an error that says so', (_, files, code, named) => {
    expect(() => loadTokenizerFolder(folderOf(files))).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(named) }),
    );
  });
});
