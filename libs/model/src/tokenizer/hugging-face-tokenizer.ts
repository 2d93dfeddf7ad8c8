import type { Tokenizer as Pipeline } from '@huggingface/tokenizers';
import { createBpePipeline } from './bpe-pipeline.js';
import { bytesOfEntry } from './byte-level.js';
import type { FolderTokenIds } from './folder-token-ids.js';
import { type HuggingFaceJson, unsupported } from './hugging-face-json.js';
import { isByteLevel, toPipeline } from './hugging-face-pipeline.js';
import { readPromptTemplate } from './prompt-template.js';
import { byteOfEntry, bytesOfPiece } from './sentence-piece.js';
import type { TokenizerModel } from './tokenizer.js';

const NO_BYTES = new Uint8Array(0);

/** A tokenizer.json: its ids are those of Hugging Face's tokenizers. */
export class HuggingFaceTokenizer implements TokenizerModel {
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  readonly eosTokenIds: readonly number[];
  readonly prefixIds: readonly number[];
  readonly suffixIds: readonly number[];
  /** By id; some may have none. */
  readonly #entries: string[] = [];
  readonly #addedTexts = new Map<number, string>();
  readonly #special: ReadonlySet<number>;
  readonly #isByteLevel: boolean;
  readonly #pipeline: Pipeline;

  /** @throws ModelFileError (unsupported_tokenizer) */
  constructor(json: HuggingFaceJson, ids: FolderTokenIds) {
    this.vocabSize = ids.vocabSize;
    this.bosTokenId = ids.bosTokenId;
    this.eosTokenIds = ids.eosTokenIds;
    this.#special = ids.specialIds;
    [this.prefixIds, this.suffixIds] = readPromptTemplate(json);
    this.#isByteLevel = isByteLevel(json);
    if (!this.#isByteLevel && json.model['byte_fallback'] !== true) {
      throw unsupported(json.path, 'BPE without ByteLevel stages or byte_fallback');
    }
    for (const [entry, id] of Object.entries(json.model.vocab)) this.#entries[id] = entry;
    for (const { id, content } of json.addedTokens) this.#addedTexts.set(id, content);
    this.#pipeline = makePipeline(json);
  }

  encode(text: string): number[] {
    return this.#pipeline.encode(text, { add_special_tokens: false }).ids;
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  bytesOf(id: number): Uint8Array {
    if (this.#special.has(id)) return NO_BYTES;
    const added = this.#addedTexts.get(id);
    const entry = added ?? this.#entries[id];
    // A model may have more rows than its tokenizer has tokens.
    if (entry === undefined) return NO_BYTES;
    if (this.#isByteLevel) return added === undefined ? bytesOfEntry(entry) : Buffer.from(entry);
    const byte = byteOfEntry(entry);
    return byte === undefined ? bytesOfPiece(entry) : Uint8Array.of(byte);
  }
}

function makePipeline(json: HuggingFaceJson): Pipeline {
  const pipeline = toPipeline(json);
  try {
    return createBpePipeline(pipeline);
  } catch (cause) {
    // A pattern that has no equal in JavaScript, as a rule.
    throw unsupported(json.path, `its pipeline (${(cause as Error).message})`, { cause });
  }
}
