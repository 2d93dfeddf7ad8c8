import type { TextEncoder } from './gguf-tokenizer.js';
import { mergeSymbols, type PairRank } from './merge-symbols.js';
import { PieceCache, pushPieces } from './piece-cache.js';
import { BLANK, byteEntry, bytesOfPiece, crossesWords, WORD_SOURCE } from './sentence-piece.js';
import type { SentencePieceVocabulary } from './vocabulary.js';

const WORDS = new RegExp(WORD_SOURCE, 'gu');
const LONE_SURROGATES = /\p{Surrogate}/gu;

/**
 * SentencePiece's BPE, GGUF's `llama`, as llama.cpp does it (`llm_tokenizer_spm_session` in src/llama-vocab.cpp): of all
 * neighbours whose joined text is an entry, the pair of the best score is merged first, the left-most of equal ones.
 */
export class SentencePieceEncoder implements TextEncoder {
  readonly #idOfEntry: ReadonlyMap<string, number>;
  /** By id, 0 for the best score; equal for equal scores. */
  readonly #ranks: Float64Array;
  readonly #maxLength: number;
  readonly #byteIds: readonly (number | null)[];
  readonly #isWordWise: boolean;
  readonly #addSpacePrefix: boolean;
  readonly #idsOfPiece = new PieceCache<readonly number[]>((piece) => this.#encodePiece(piece));

  constructor({ entries, scores, addSpacePrefix, unknownTokenId }: SentencePieceVocabulary) {
    this.#idOfEntry = new Map(entries.map((entry, id) => [entry, id]));
    this.#ranks = ranksOf(scores);
    this.#maxLength = entries.reduce((length, entry) => Math.max(length, entry.length), 0);
    this.#byteIds = Array.from({ length: 256 }, (_, byte) => this.#idOfEntry.get(byteEntry(byte)) ?? unknownTokenId);
    this.#isWordWise = !entries.some(crossesWords);
    this.#addSpacePrefix = addSpacePrefix;
  }

  encode(text: string, ids: number[], startsSection: boolean): void {
    const prefix = this.#addSpacePrefix && startsSection ? BLANK : '';
    const escaped = prefix + text.replace(LONE_SURROGATES, '\ufffd').replaceAll(' ', BLANK);
    pushPieces(this.#isWordWise ? (escaped.match(WORDS) ?? []) : [escaped], this.#idsOfPiece, ids);
  }

  bytesOfEntry(entry: string): Uint8Array {
    return bytesOfPiece(entry);
  }

  #encodePiece(text: string): number[] {
    const ids: number[] = [];
    for (const symbol of mergeSymbols(text, this.#rankOf)) this.#pushSymbol(symbol, ids);
    return ids;
  }

  readonly #rankOf: PairRank = (text, start, _, end) => {
    if (end - start > this.#maxLength) return null;
    const id = this.#idOfEntry.get(text.slice(start, end));
    return id === undefined ? null : this.#ranks[id]!;
  };

  #pushSymbol(symbol: string, ids: number[]): void {
    const id = this.#idOfEntry.get(symbol);
    if (id !== undefined) {
      ids.push(id);
      return;
    }
    for (const byte of Buffer.from(symbol)) {
      const byteId = this.#byteIds[byte]!;
      if (byteId !== null) ids.push(byteId);
    }
  }
}

function ranksOf(scores: ArrayLike<number>): Float64Array {
  const bestFirst = Float64Array.from(new Set(Array.from(scores)))
    .sort()
    .reverse();
  const rankOfScore = new Map(Array.from(bestFirst, (score, rank) => [score, rank]));
  return Float64Array.from(scores, (score) => rankOfScore.get(score)!);
}
