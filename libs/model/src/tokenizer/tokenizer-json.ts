import type { BpePipelineJson } from './bpe-pipeline.js';
import type { ByteLevelVocabulary } from './vocabulary.js';

/**
 * The `tokenizer.json` that a GGUF file's vocabulary amounts to, for one piece of text: pieces are cut and special tokens
 * are found before, as llama.cpp does it. Text that no entry covers gives no token, likewise.
 */
export function toTokenizerJson({ entries, merges, preTokenizer }: ByteLevelVocabulary): BpePipelineJson {
  return {
    version: '1.0',
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: preTokenizer.ignoreMerges,
      vocab: Object.fromEntries(entries.map((entry, id) => [entry, id])),
      merges,
    },
  };
}
