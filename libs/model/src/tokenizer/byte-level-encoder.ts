import { createBpePipeline } from './bpe-pipeline.js';
import { bytesOfEntry } from './byte-level.js';
import type { TextEncoder } from './gguf-tokenizer.js';
import { PieceCache, pushPieces } from './piece-cache.js';
import { toTokenizerJson } from './tokenizer-json.js';
import type { ByteLevelVocabulary } from './vocabulary.js';

/** Byte-level BPE, GGUF's `gpt2`. */
export class ByteLevelEncoder implements TextEncoder {
  readonly #pattern: RegExp;
  readonly #idsOfPiece: PieceCache<readonly number[]>;

  constructor(vocabulary: ByteLevelVocabulary) {
    const bpe = createBpePipeline(toTokenizerJson(vocabulary));
    this.#pattern = vocabulary.preTokenizer.pattern;
    this.#idsOfPiece = new PieceCache((piece) => bpe.encode(piece, { add_special_tokens: false }).ids);
  }

  encode(text: string, ids: number[]): void {
    pushPieces(text.match(this.#pattern) ?? [], this.#idsOfPiece, ids);
  }

  bytesOfEntry(entry: string): Uint8Array {
    return bytesOfEntry(entry);
  }
}
