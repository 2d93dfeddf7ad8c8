import { ByteLevelEncoder } from './byte-level-encoder.js';
import { SentencePieceEncoder } from './sentence-piece-encoder.js';
import { SpecialTokens } from './special-tokens.js';
import type { TokenizerModel } from './tokenizer.js';
import { TokenType, type Vocabulary } from './vocabulary.js';

/** Turns text without special tokens into ids. */
export interface TextEncoder {
  /** Appends the ids of a text. @param startsSection at the start of a prompt and after a special token */
  encode(text: string, ids: number[], startsSection: boolean): void;
  /** What a normal entry of the vocabulary stands for. */
  bytesOfEntry(entry: string): Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

/** A tokenizer of a GGUF file: llama.cpp's rules, which are the same for all kinds but for ordinary text. */
export class GgufTokenizer implements TokenizerModel {
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly prefixIds: readonly number[];
  readonly suffixIds: readonly number[];
  readonly #vocabulary: Vocabulary;
  readonly #special: SpecialTokens;
  readonly #encoder: TextEncoder;

  constructor(vocabulary: Vocabulary) {
    const { entries, types, bosTokenId, eosTokenId, eosTokenIds, addBos, addEos } = vocabulary;
    this.vocabSize = entries.length;
    this.bosTokenId = bosTokenId;
    this.eosTokenIds = eosTokenIds;
    this.prefixIds = addBos ? [bosTokenId!] : [];
    this.suffixIds = addEos ? [eosTokenId!] : [];
    this.#vocabulary = vocabulary;
    this.#special = new SpecialTokens(
      entries
        .map((text, id) => ({ text, id }))
        .filter(({ id }) => this.isSpecial(id) || types[id] === TokenType.USER_DEFINED),
    );
    this.#encoder =
      vocabulary.kind === 'gpt2' ? new ByteLevelEncoder(vocabulary) : new SentencePieceEncoder(vocabulary);
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    let startsSection = true;
    for (const part of this.#special.split(text)) {
      startsSection ||= typeof part === 'number';
      if (typeof part === 'number') {
        ids.push(part);
      } else {
        this.#encoder.encode(part, ids, startsSection);
        startsSection = false;
      }
    }
    return ids;
  }

  isSpecial(id: number): boolean {
    const type = this.#vocabulary.types[id];
    return type === TokenType.CONTROL || type === TokenType.UNKNOWN;
  }

  bytesOf(id: number): Uint8Array {
    const entry = this.#vocabulary.entries[id]!;
    switch (this.#vocabulary.types[id]) {
      case TokenType.NORMAL:
        return this.#encoder.bytesOfEntry(entry);
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
