import type { GgufFile } from '../gguf/gguf-file.js';

export const TOKEN_ID_KEYS = {
  bos: 'tokenizer.ggml.bos_token_id',
  eos: 'tokenizer.ggml.eos_token_id',
  eot: 'tokenizer.ggml.eot_token_id',
  eom: 'tokenizer.ggml.eom_token_id',
} as const;

/**
 * Texts that mean the end of a turn or text in every vocabulary that has them: llama.cpp's list for models with these
 * tokenizers (`special_eog_ids` in src/llama-vocab.cpp), without `</s>`, which is an ordinary entry of qwen2.
 */
const END_MARKERS: ReadonlySet<string> = new Set([
  '<|endoftext|>',
  '<|end_of_text|>',
  '<|im_end|>',
  '<|eot_id|>',
  '<|eom_id|>',
  '<|end|>',
  '<end_of_turn>',
  '<end_of_utterance>',
  '<EOT>',
]);

export function isEndMarker(entry: string): boolean {
  return END_MARKERS.has(entry);
}

/**
 * The tokens after which a model has nothing to say: what the file names as end of text, turn and message, and known
 * markers, which files often do not name. `eos` comes first.
 */
export function findEosTokenIds(file: GgufFile, entries: readonly string[]): number[] {
  const ids = new Set<number>();
  for (const key of [TOKEN_ID_KEYS.eos, TOKEN_ID_KEYS.eot, TOKEN_ID_KEYS.eom]) {
    const id = file.findNumber(key);
    if (id !== undefined && id < entries.length) ids.add(id);
  }
  entries.forEach((entry, id) => {
    if (END_MARKERS.has(entry)) ids.add(id);
  });
  return [...ids];
}
