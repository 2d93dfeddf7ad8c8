import type { GgufFile } from '../gguf/gguf-file.js';

export const TOKEN_ID_KEYS = {
  bos: 'tokenizer.ggml.bos_token_id',
  eos: 'tokenizer.ggml.eos_token_id',
  eot: 'tokenizer.ggml.eot_token_id',
  eom: 'tokenizer.ggml.eom_token_id',
  unknown: 'tokenizer.ggml.unknown_token_id',
} as const;

/** llama.cpp's ids for GGUF's `llama` where the file names none. */
export const SENTENCE_PIECE_IDS = { unknown: 0, bos: 1, eos: 2 } as const;

/**
 * Texts that mean the end of a turn or text in every vocabulary that has them: llama.cpp's list for models with these
 * tokenizers (`special_eog_ids` in src/llama-vocab.cpp). `</s>` is one with SentencePiece only: it is an ordinary entry of
 * qwen2.
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

export function isEndMarker(entry: string, isSentencePiece: boolean): boolean {
  return END_MARKERS.has(entry) || (isSentencePiece && entry === '</s>');
}

export function isSentencePiece(file: GgufFile): boolean {
  return file.findString('tokenizer.ggml.model') === 'llama';
}

/** The id that a file has for BOS or EOS, if it has one. */
export function findTokenId(file: GgufFile, name: 'bos' | 'eos'): number | undefined {
  return file.findNumber(TOKEN_ID_KEYS[name]) ?? (isSentencePiece(file) ? SENTENCE_PIECE_IDS[name] : undefined);
}

/**
 * The tokens after which a model has nothing to say: what the file names as end of text, turn and message, and known
 * markers, which files often do not name. `eos` comes first.
 */
export function findEosTokenIds(file: GgufFile, entries: readonly string[]): number[] {
  const ids = new Set<number>();
  const { eot, eom } = TOKEN_ID_KEYS;
  const isSpm = isSentencePiece(file);
  for (const id of [findTokenId(file, 'eos'), file.findNumber(eot), file.findNumber(eom)]) {
    if (id !== undefined && id < entries.length) ids.add(id);
  }
  entries.forEach((entry, id) => {
    if (isEndMarker(entry, isSpm)) ids.add(id);
  });
  return [...ids];
}
