import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openModel, writeGguf } from '@sliceway/model';
import { PromptEncoder } from './prompt-encoder.js';

const [BOS, H, I] = [0, 1, 2];
const folder = mkdtempSync(join(tmpdir(), 'sliceway-prompts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file without these is no model. */
const SHAPE = {
  'general.architecture': 'llama',
  'llama.block_count': 1,
  'llama.context_length': 8,
  'llama.embedding_length': 2,
  'llama.feed_forward_length': 2,
  'llama.attention.head_count': 1,
  'llama.attention.layer_norm_rms_epsilon': 1e-5,
};

/** A model that begins every prompt with BOS, as Llama 3 does. */
function encoderWith(template: string | null): PromptEncoder {
  const path = join(folder, 'bos.gguf');
  const metadata = {
    ...SHAPE,
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'llama-bpe',
    'tokenizer.ggml.tokens': ['<s>', 'H', 'i'],
    'tokenizer.ggml.token_type': Int32Array.of(3, 1, 1),
    'tokenizer.ggml.merges': [],
    'tokenizer.ggml.bos_token_id': BOS,
    ...(template === null ? {} : { 'tokenizer.chat_template': template }),
  };
  writeGguf(path, metadata, [{ name: 'token_embd.weight', type: 'F32', shape: [2, 3], data: new Float32Array(6) }]);
  const file = openModel(path);
  file.close();
  return new PromptEncoder(file);
}

const TEMPLATE = "{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% endfor %}";
const messages = [{ role: 'user', content: 'Hi' }] as const;

describe('PromptEncoder', () => {
  test('a prompt has one BOS: the template writes it, a text gets it, ids are taken as they are', () => {
    const encoder = encoderWith(TEMPLATE);
    expect(encoder.encode({ messages }).ids).toEqual([BOS, H, I]);
    expect(encoder.encode({ text: 'Hi' }).ids).toEqual([BOS, H, I]);
    expect(encoder.encode({ ids: [H] }).ids).toEqual([H]);
  });

  test('gives the text of ids back where it is asked for, special tokens included', () => {
    const encoder = encoderWith(TEMPLATE);
    expect(encoder.encode({ ids: [BOS, H, I] }, { withText: true }).text).toBe('<s>Hi');
    expect(encoder.encode({ text: 'Hi' }, { withText: true }).text).toBe('<s>Hi');
    expect(encoder.encode({ ids: [BOS, H, I] }).text).toBeNull();
  });

  test('computes nothing after the deadline', () => {
    const encoder = encoderWith(TEMPLATE);
    const late = { deadlineMs: Date.now() - 1 };
    expect(() => encoder.encode({ text: 'Hi' }, late)).toThrow(expect.objectContaining({ code: 'deadline' }));
    expect(encoder.encode({ text: 'Hi' }, { deadlineMs: Date.now() + 60_000 }).ids).toHaveLength(3);
    expect(encoder.encode({ text: 'Hi' }, { deadlineMs: 0 }).ids).toHaveLength(3);
  });

  test('tells when the template was rendered', () => {
    const [startTs, endTs] = encoderWith(TEMPLATE).encode({ messages }).templateTs!;
    expect(endTs).toBeGreaterThan(startTs);
  });

  test.each([
    ['the last id of the vocabulary', { ids: [I] }, null],
    ['the first id beyond it', { ids: [H, I + 1] }, 'bad_token_id'],
    ['no ids', { ids: [] }, 'empty_prompt'],
    ['an empty text: BOS is a prompt', { text: '' }, null],
  ])('%s', (_, prompt, code) => {
    const encode = () => encoderWith(TEMPLATE).encode(prompt);
    if (code === null) expect(encode).not.toThrow();
    else expect(encode).toThrow(expect.objectContaining({ name: 'EncodeError', code }));
  });

  test.each([
    ['no template', null, 'no_chat_template'],
    ['a template that refuses', "{{ raise_exception('no users') }}", 'messages_refused'],
    ['a template that gives nothing', '{# #}', 'empty_prompt'],
  ])('%s', (_, template, code) => {
    expect(() => encoderWith(template).encode({ messages })).toThrow(
      expect.objectContaining({ name: 'EncodeError', code }),
    );
  });
});
