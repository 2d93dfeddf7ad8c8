import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import type { GgufFile } from '../gguf/gguf-file.js';
import { BoundedCache } from './bounded-cache.js';
import { bytesOfEntry } from './byte-level.js';
import { SpecialTokens } from './special-tokens.js';
import { toTokenizerJson } from './tokenizer-json.js';
import { readVocabulary, TokenType, type Vocabulary } from './vocabulary.js';

export interface EncodeOptions {
  /** Adds the BOS and EOS tokens that the model wants around a prompt. Default false; templates write their own. */
  readonly addSpecial?: boolean;
}

/** Pieces (words) whose ids are remembered: at most 32,768 of up to 64 characters, some megabytes. */
const CACHED_PIECES = 16_384;
const MAX_CACHED_LENGTH = 64;
const NO_BYTES = new Uint8Array(0);

/** A model's byte-level BPE tokenizer. Its ids are llama.cpp's (`llama_tokenize` with `parse_special`). */
export class Tokenizer {
  /** Number of tokens; ids are below it. */
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  /** Tokens that end a text or a turn; the file's own EOS first. */
  readonly eosTokenIds: readonly number[];
  /** Whether `addSpecial` begins a prompt with BOS. */
  readonly addBos: boolean;
  readonly #vocabulary: Vocabulary;
  readonly #special: SpecialTokens;
  readonly #bpe: HuggingFaceTokenizer;
  readonly #idsOfPiece = new BoundedCache<readonly number[]>(CACHED_PIECES);
  readonly #bytes: (Uint8Array | undefined)[] = [];

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.vocabSize = vocabulary.entries.length;
    this.bosTokenId = vocabulary.bosTokenId;
    this.eosTokenIds = vocabulary.eosTokenIds;
    this.addBos = vocabulary.addBos;
    this.#special = new SpecialTokens(
      vocabulary.entries
        .map((text, id) => ({ text, id }))
        .filter(({ id }) => this.isSpecial(id) || vocabulary.types[id] === TokenType.USER_DEFINED),
    );
    this.#bpe = new HuggingFaceTokenizer(toTokenizerJson(vocabulary), {});
  }

  /** Token ids of a text; special tokens that are written out in it become their ids. */
  encode(text: string, { addSpecial = false }: EncodeOptions = {}): number[] {
    const { addBos, addEos, bosTokenId, eosTokenId } = this.#vocabulary;
    const ids: number[] = [];
    if (addSpecial && addBos) ids.push(bosTokenId!);
    for (const part of this.#special.split(text)) {
      if (typeof part === 'number') ids.push(part);
      else this.#encodeOrdinary(part, ids);
    }
    if (addSpecial && addEos) ids.push(eosTokenId!);
    return ids;
  }

  /**
   * The bytes that a token stands for, which may be part of a character; none for special tokens. Shared: do not write to
   * them. @throws RangeError for an id outside the vocabulary
   */
  tokenBytes(id: number): Uint8Array {
    return (this.#bytes[id] ??= this.#makeBytes(id));
  }

  /** Whether a token is for the model only (BOS, end markers, …) and never part of a text. */
  isSpecial(id: number): boolean {
    const type = this.#vocabulary.types[id];
    return type === TokenType.CONTROL || type === TokenType.UNKNOWN;
  }

  #encodeOrdinary(text: string, ids: number[]): void {
    const pieces = text.match(this.#vocabulary.preTokenizer.pattern) ?? [];
    for (let i = 0; i < pieces.length; i++) {
      const pieceIds = this.#idsOfPiece.get(pieces[i]!) ?? this.#encodePiece(pieces[i]!);
      for (let j = 0; j < pieceIds.length; j++) ids.push(pieceIds[j]!);
    }
  }

  #encodePiece(piece: string): readonly number[] {
    const { ids } = this.#bpe.encode(piece, { add_special_tokens: false });
    // A match may be a view into the whole text, which must not live as long as the cache: copy it.
    if (piece.length <= MAX_CACHED_LENGTH) this.#idsOfPiece.set(Buffer.from(piece, 'utf16le').toString('utf16le'), ids);
    return ids;
  }

  #makeBytes(id: number): Uint8Array {
    const entry = this.#vocabulary.entries[id];
    if (entry === undefined) throw new RangeError(`token ${id} is outside the vocabulary of ${this.vocabSize}`);
    switch (this.#vocabulary.types[id]) {
      case TokenType.NORMAL:
        return bytesOfEntry(entry);
      case TokenType.USER_DEFINED:
        return Buffer.from(entry);
      case TokenType.BYTE:
        // `<0xE2>`
        return Uint8Array.of(parseInt(entry.slice(3, 5), 16));
      default:
        return NO_BYTES;
    }
  }
}

/**
 * Makes the tokenizer that a GGUF file describes; the file may be closed afterwards.
 *
 * @throws ModelFileError `unsupported_tokenizer` for another model or pre-tokenizer than gpt2 with smollm, gpt-2,
 *   llama-bpe or qwen2; `missing_metadata`, `bad_metadata`
 */
export function loadTokenizer(file: GgufFile): Tokenizer {
  return new Tokenizer(readVocabulary(file));
}
