import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { temporaryFolder } from '../gguf/temporary-gguf.fixture.js';
import { TINY_CONFIG, TINY_TENSORS, writeFolder } from './folder-model.fixture.js';
import { SafetensorsModel } from './safetensors-model.js';

const parent = temporaryFolder();
let count = 0;
const write = (files: Record<string, unknown>) =>
  writeFolder(join(parent, `m${count++}`), { 'config.json': TINY_CONFIG, ...files });
const opening = (files: Record<string, unknown>) => () => new SafetensorsModel(write(files)).close();

const INDEX = 'model.safetensors.index.json';
const [FIRST, SECOND] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
const HEAD = 'lm_head.weight';
const others = TINY_TENSORS.filter(({ name }) => name !== HEAD);
const head = TINY_TENSORS.filter(({ name }) => name === HEAD);
const WEIGHT_MAP = Object.fromEntries(TINY_TENSORS.map(({ name }) => [name, name === HEAD ? SECOND : FIRST]));
const SHARDED = { [FIRST]: others, [SECOND]: head, [INDEX]: { metadata: {}, weight_map: WEIGHT_MAP } };

const TOKENIZER = {
  model: { type: 'BPE', vocab: { a: 0, b: 1, '</s>': 2 }, merges: [] },
  pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
  decoder: { type: 'ByteLevel' },
  added_tokens: [{ id: 2, content: '</s>', special: true }],
};

describe('SafetensorsModel', () => {
  test('has the tensors of one file, by the names of GGUF', () => {
    const model = new SafetensorsModel(write({ 'model.safetensors': TINY_TENSORS }));
    expect([...model.tensors.keys()]).toEqual([
      'token_embd.weight',
      'blk.0.attn_norm.weight',
      'blk.0.attn_q.weight',
      'blk.0.attn_k.weight',
      'blk.0.attn_v.weight',
      'blk.0.attn_output.weight',
      'blk.0.ffn_norm.weight',
      'blk.0.ffn_gate.weight',
      'blk.0.ffn_up.weight',
      'blk.0.ffn_down.weight',
      'output_norm.weight',
      'output.weight',
    ]);
    const down = model.tensors.get('blk.0.ffn_down.weight')!;
    expect(down).toMatchObject({ name: 'blk.0.ffn_down.weight', type: 'F32', shape: [6, 4], byteLength: 96 });
    const bytes = model.readTensor(down);
    expect(bytes.byteOffset).toBe(0);
    expect([...new Float32Array(bytes.buffer)]).toEqual(Array.from({ length: 24 }, (_, i) => i));
    model.close();
    expect(() => model.readTensor(down)).toThrow(expect.objectContaining({ code: 'unreadable' }));
  });

  test('has the tensors of all shards', () => {
    const model = new SafetensorsModel(write(SHARDED));
    expect(model.tensors.size).toBe(TINY_TENSORS.length);
    for (const name of ['output.weight', 'token_embd.weight']) {
      const floats = new Float32Array(model.readTensor(model.tensors.get(name)!).buffer);
      expect([...floats]).toEqual(Array.from({ length: 12 }, (_, i) => i));
    }
    model.close();
  });

  test('takes a tensor from the file that the index names', () => {
    const zeros = others.map((tensor) => ({ ...tensor, data: new Float32Array((tensor.data as Float32Array).length) }));
    const model = new SafetensorsModel(write({ ...SHARDED, [SECOND]: [...head, ...zeros] }));
    expect(new Float32Array(model.readTensor(model.tensors.get('token_embd.weight')!).buffer)[1]).toBe(1);
    model.close();
  });

  test('one file comes before an index, and may have any name if it is the only one', () => {
    opening({ ...SHARDED, 'model.safetensors': TINY_TENSORS, [INDEX]: '{' })();
    opening({ 'weights.safetensors': TINY_TENSORS })();
  });

  test('a tensor of an unknown name keeps it; frequencies of RoPE are left out', () => {
    const vector = { type: 'F32', shape: [4], data: new Float32Array(4) };
    const names = ['model.layers.0.self_attn.q_norm.weight', 'model.layers.0.self_attn.rotary_emb.inv_freq'];
    const tensors = [...TINY_TENSORS, ...names.map((name) => ({ name, ...vector }))];
    const model = new SafetensorsModel(write({ 'model.safetensors': tensors }));
    expect(names.map((name) => model.tensors.has(name))).toEqual([true, false]);
    model.close();
  });

  test('a tied head is left out, an untied one must be there', () => {
    const tied = { ...TINY_CONFIG, tie_word_embeddings: true };
    for (const tensors of [TINY_TENSORS, others]) {
      const model = new SafetensorsModel(write({ 'config.json': tied, 'model.safetensors': tensors }));
      expect(model.tensors.has('output.weight')).toBe(false);
      model.close();
    }
    expect(opening({ 'model.safetensors': others })).toThrow(
      expect.objectContaining({ code: 'missing_tensor', message: expect.stringContaining(HEAD) }),
    );
  });

  const { [HEAD]: _, ...withoutHead } = WEIGHT_MAP;
  test.each([
    [
      'a config that is no JSON',
      { 'config.json': '{"a": 1,}' },
      'not_json',
      /config\.json is no JSON.*download it again/,
    ],
    ['a config that is no object', { 'config.json': [] }, 'bad_metadata', /config\.json is \[\], expected an object/],
    ['no safetensors', {}, 'missing_file', /has no safetensors; download/],
    [
      'two and no index',
      { [FIRST]: others, [SECOND]: head },
      'missing_file',
      /2 safetensors and no model\.safetensors\.in/,
    ],
    [
      'a missing shard',
      { [FIRST]: others, [INDEX]: SHARDED[INDEX] },
      'missing_file',
      /missing: model-00002-of-00002\.sa/,
    ],
    ['an index without map', { ...SHARDED, [INDEX]: {} }, 'missing_metadata', /index\.json: weight_map is missing/],
    ['an empty map', { ...SHARDED, [INDEX]: { weight_map: {} } }, 'bad_metadata', /weight_map is empty/],
    ['a map to no name', { ...SHARDED, [INDEX]: { weight_map: { a: 1 } } }, 'bad_metadata', /weight_map: a is 1/],
    ['a shard elsewhere', { [INDEX]: { weight_map: { a: '../a.safetensors' } } }, 'bad_metadata', /a is "\.\.\/a\.sa/],
    [
      'a tensor that its shard lacks',
      { ...SHARDED, [SECOND]: [] },
      'missing_tensor',
      /00002\.safetensors: tensor lm_head/,
    ],
    ['a tensor that no shard has', { ...SHARDED, [INDEX]: { weight_map: withoutHead } }, 'missing_tensor', /lm_head/],
    [
      'a damaged shard',
      { ...SHARDED, [SECOND]: 'a page of errors, not a model' },
      'bad_magic',
      /00002\.safetensors: this/,
    ],
  ])('%s is refused', (_name, files, code, message) => {
    expect(opening(files)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });

  test('loads tokenizer and chat template, and is named as its folder', () => {
    const folder = write({
      'model.safetensors': TINY_TENSORS,
      'tokenizer.json': TOKENIZER,
      'tokenizer_config.json': { chat_template: '{{ messages[0].content }}{{ eos_token }}', eos_token: '</s>' },
      'generation_config.json': { eos_token_id: [1] },
    });
    const model = new SafetensorsModel(`${folder}/`);
    model.close();
    expect(model.path).toBe(folder);
    expect(model.info).toEqual({
      name: basename(folder),
      architecture: 'llama',
      contextLength: 64,
      eosTokenIds: [1, 2],
    });
    expect(model.loadTokenizer().encode('ba')).toEqual([1, 0]);
    expect(model.loadChatTemplate().render([{ role: 'user', content: 'a' }])).toBe('a</s>');
  });
});

test.each([
  [['models--owner--tiny-llama', 'snapshots', '0123abcd'], 'tiny-llama'],
  [['models--gpt2', 'snapshots', '0123abcd'], 'gpt2'],
  [['snapshots', '0123abcd'], '0123abcd'],
])('the model in %j is named %s', (parts, name) => {
  const folder = join(parent, ...parts);
  writeFolder(folder, { 'config.json': TINY_CONFIG, 'model.safetensors': TINY_TENSORS, 'tokenizer.json': TOKENIZER });
  const model = new SafetensorsModel(folder);
  model.close();
  expect(model.info.name).toBe(name);
});

describe('fingerprint', () => {
  const fingerprint = (folder: string) => {
    const model = new SafetensorsModel(folder);
    try {
      return model.fingerprint();
    } finally {
      model.close();
    }
  };
  const SIDE_FILES = {
    'generation_config.json': { eos_token_id: 1 },
    'tokenizer_config.json': { eos_token: 'a' },
    'special_tokens_map.json': { bos_token: 'a' },
    'chat_template.jinja': 'template',
  };
  const folder = write({ ...SHARDED, 'tokenizer.json': TOKENIZER, ...SIDE_FILES });

  test('is 16 hex digits, the same in another folder', () => {
    expect(fingerprint(folder)).toMatch(/^[0-9a-f]{16}$/);
    cpSync(folder, join(parent, 'copy'), { recursive: true });
    writeFileSync(join(parent, 'copy', 'README.md'), '#');
    expect(fingerprint(join(parent, 'copy'))).toBe(fingerprint(folder));
  });

  test.each([
    ['config.json', (bytes: Buffer) => bytes.write('65', bytes.indexOf('64'))],
    ['tokenizer.json', (bytes: Buffer) => bytes.write('A', bytes.indexOf('"a"') + 1)],
    ['generation_config.json', (bytes: Buffer) => bytes.write('2', bytes.indexOf('1'))],
    ['tokenizer_config.json', (bytes: Buffer) => bytes.write('b', bytes.indexOf('"a"') + 1)],
    ['special_tokens_map.json', (bytes: Buffer) => bytes.write('b', bytes.indexOf('"a"') + 1)],
    ['chat_template.jinja', (bytes: Buffer) => bytes.write('T')],
    ['the last byte of a shard', (bytes: Buffer) => (bytes[bytes.length - 1] = 1)],
    ["a shard's header", (bytes: Buffer) => bytes.write('PT', bytes.indexOf('"pt"') + 1)],
  ])('sees a change in %s', (what, change) => {
    const changed = join(parent, `changed-${count++}`);
    cpSync(folder, changed, { recursive: true });
    const path = join(changed, /json|jinja/.test(what) ? what : SECOND);
    const bytes = readFileSync(path);
    change(bytes);
    writeFileSync(path, bytes);
    expect(fingerprint(changed)).not.toBe(fingerprint(folder));
  });

  test('knows an empty file from none, and one name from another', () => {
    const text = '{"bos_token":"a"}';
    const others = [
      {},
      { 'chat_template.jinja': '' },
      { 'tokenizer_config.json': text },
      { 'special_tokens_map.json': text },
    ].map((files) => fingerprint(write({ ...SHARDED, ...files })));
    expect(new Set(others).size).toBe(others.length);
  });
});
