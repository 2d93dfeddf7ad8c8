import type { GgufFile } from '../gguf/gguf-file.js';
import { GgufTokenizer } from './gguf-tokenizer.js';
import { readVocabulary } from './vocabulary.js';

export interface EncodeOptions {
  /** Adds the tokens that the model wants around a prompt (BOS, EOS). Default false; templates write their own. */
  readonly addSpecial?: boolean;
}

/** What differs between kinds of tokenizers. */
export interface TokenizerModel {
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  /** What `addSpecial` puts before and after a prompt. */
  readonly prefixIds: readonly number[];
  readonly suffixIds: readonly number[];
  encode(text: string): number[];
  isSpecial(id: number): boolean;
  /** @param id from 0 to below `vocabSize` */
  bytesOf(id: number): Uint8Array;
}

/** A model's tokenizer, whatever file it comes from. */
export class Tokenizer {
  /** Number of tokens; ids are below it. */
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  /** Tokens that end a text or a turn; the file's own EOS first. */
  readonly eosTokenIds: readonly number[];
  /** Whether `addSpecial` begins a prompt with BOS. */
  readonly addBos: boolean;
  readonly #model: TokenizerModel;
  readonly #specialText: (id: number) => string | undefined;
  readonly #bytes: (Uint8Array | undefined)[] = [];

  /** @param specialText a special token as it is written out */
  constructor(model: TokenizerModel, specialText: (id: number) => string | undefined = () => undefined) {
    this.#model = model;
    this.#specialText = specialText;
    this.vocabSize = model.vocabSize;
    this.bosTokenId = model.bosTokenId;
    this.eosTokenIds = model.eosTokenIds;
    this.addBos = model.bosTokenId !== null && model.prefixIds[0] === model.bosTokenId;
  }

  /** Token ids of a text; special tokens that are written out in it become their ids. */
  encode(text: string, { addSpecial = false }: EncodeOptions = {}): number[] {
    const ids = this.#model.encode(text);
    return addSpecial ? [...this.#model.prefixIds, ...ids, ...this.#model.suffixIds] : ids;
  }

  /**
   * The bytes that a token stands for, which may be part of a character; none for special tokens. Shared: do not write to
   * them. @throws RangeError for an id outside the vocabulary
   */
  tokenBytes(id: number): Uint8Array {
    return (this.#bytes[id] ??= this.#makeBytes(id));
  }

  /** As `tokenBytes`, but those of a special token are its text (`<|im_end|>`): for people, as in log probabilities. */
  visibleBytes(id: number): Uint8Array {
    const bytes = this.tokenBytes(id);
    if (!this.isSpecial(id)) return bytes;
    const text = this.#specialText(id);
    return text === undefined ? bytes : Buffer.from(text);
  }

  /** Whether a token is for the model only (BOS, end markers, …) and never part of a text. */
  isSpecial(id: number): boolean {
    return this.#model.isSpecial(id);
  }

  #makeBytes(id: number): Uint8Array {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabSize) return this.#model.bytesOf(id);
    throw new RangeError(`token ${id} is outside the vocabulary of ${this.vocabSize}`);
  }
}

/**
 * Makes the tokenizer that a GGUF file describes; the file may be closed afterwards. Its ids are llama.cpp's
 * (`llama_tokenize` with `parse_special`).
 *
 * @throws ModelFileError `unsupported_tokenizer` for another model than llama (SentencePiece) and gpt2 with pre-tokenizer
 *   smollm, gpt-2, llama-bpe or qwen2; `missing_metadata`, `bad_metadata`
 */
export function loadTokenizer(file: GgufFile): Tokenizer {
  const vocabulary = readVocabulary(file);
  return new Tokenizer(new GgufTokenizer(vocabulary), (id) => vocabulary.entries[id]);
}
