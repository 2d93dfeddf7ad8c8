import type { GgufWritable } from '@sliceway/model';

export const BYTE_TOKENS = 256;
const SPECIAL_TOKENS = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
const BOS = BYTE_TOKENS + 1;
const EOS = BYTE_TOKENS + 2;
/** Pairs that BPE joins, best first: words, and a character of two bytes (é). Each result is a token, too. */
const MERGES = ['h e', 'l l', 'Ġ t', 'he ll', 'Ġt he', 'hell o', 'Ã ©'];
/** The bytes, ChatML's special tokens, and what the merges make. */
export const TINY_VOCAB_SIZE = BYTE_TOKENS + SPECIAL_TOKENS.length + MERGES.length;
/** `tokenizer.ggml.token_type` */
const NORMAL = 1;
const CONTROL = 3;
const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** Metadata of a GGUF with all {@link TINY_VOCAB_SIZE} tokens. */
export function tinyVocabulary(): Record<string, GgufWritable> {
  return {
    ...ggufVocabulary(tinyTokens(), MERGES),
    'tokenizer.ggml.bos_token_id': BOS,
    'tokenizer.ggml.eos_token_id': EOS,
  };
}

/** Metadata of a GGUF with the {@link BYTE_TOKENS} only. */
export function byteVocabulary(): Record<string, GgufWritable> {
  return ggufVocabulary(byteTokens(), []);
}

/** tokenizer.json, tokenizer_config.json and generation_config.json of the same tokens as {@link tinyVocabulary}. */
export function tinyTokenizerFiles(): Record<string, object> {
  const tokens = tinyTokens();
  const added_tokens = SPECIAL_TOKENS.map((content, index) => ({
    id: BYTE_TOKENS + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }));
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens,
      normalizer: null,
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel] },
      post_processor: null,
      decoder: { ...byteLevel, add_prefix_space: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
        merges: MERGES,
      },
    },
    'tokenizer_config.json': {
      added_tokens_decoder: Object.fromEntries(added_tokens.map(({ id, ...token }) => [id, token])),
      bos_token: tokens[BOS],
      chat_template: CHAT_TEMPLATE,
      clean_up_tokenization_spaces: false,
      eos_token: tokens[EOS],
      tokenizer_class: 'PreTrainedTokenizerFast',
    },
    'generation_config.json': { _from_model_config: true, bos_token_id: BOS, eos_token_id: EOS },
  };
}

function ggufVocabulary(tokens: readonly string[], merges: readonly string[]): Record<string, GgufWritable> {
  return {
    'tokenizer.ggml.model': 'gpt2',
    'tokenizer.ggml.pre': 'smollm',
    'tokenizer.ggml.tokens': tokens,
    'tokenizer.ggml.token_type': Int32Array.from(tokens, (token) =>
      SPECIAL_TOKENS.includes(token) ? CONTROL : NORMAL,
    ),
    'tokenizer.ggml.merges': merges,
    'tokenizer.ggml.add_bos_token': false,
    'tokenizer.chat_template': CHAT_TEMPLATE,
  };
}

function tinyTokens(): string[] {
  return [...byteTokens(), ...SPECIAL_TOKENS, ...MERGES.map((merge) => merge.replace(' ', ''))];
}

/** GPT-2's printable stand-ins of the bytes 0 to 255. */
function byteTokens(): string[] {
  let next = 256;
  return Array.from({ length: BYTE_TOKENS }, (_, byte) => {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCodePoint(printable ? byte : next++);
  });
}
