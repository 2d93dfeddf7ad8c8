import type { GgufFile } from '../gguf/gguf-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { findEosTokenIds, isEndMarker, isSentencePiece, SENTENCE_PIECE_IDS, TOKEN_ID_KEYS } from './special-ids.js';
import { findPreTokenizer, type PreTokenizer, PRE_TOKENIZER_NAMES } from './pre-tokenizers.js';

/** `tokenizer.ggml.token_type`: `enum llama_token_type` of llama.h. */
export const TokenType = {
  UNDEFINED: 0,
  NORMAL: 1,
  UNKNOWN: 2,
  CONTROL: 3,
  USER_DEFINED: 4,
  UNUSED: 5,
  BYTE: 6,
} as const;
export type TokenType = (typeof TokenType)[keyof typeof TokenType];

interface CommonVocabulary {
  /** Entry of each id. */
  readonly entries: readonly string[];
  readonly types: Uint8Array;
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /** All tokens that end a text or a turn. */
  readonly eosTokenIds: readonly number[];
  readonly addBos: boolean;
  readonly addEos: boolean;
}

/** Byte-level BPE: entries are spelled in GPT-2's byte alphabet, special ones in plain text. */
export interface ByteLevelVocabulary extends CommonVocabulary {
  readonly kind: 'gpt2';
  readonly preTokenizer: PreTokenizer;
  /** `left right`, best first. */
  readonly merges: readonly string[];
}

/** SentencePiece's BPE: entries are plain text with U+2581 for blanks. */
export interface SentencePieceVocabulary extends CommonVocabulary {
  readonly kind: 'llama';
  /** By id; the pair whose joined entry has the highest one is merged first. */
  readonly scores: ArrayLike<number>;
  /** Whether a text begins with a blank, at the start and after special tokens. */
  readonly addSpacePrefix: boolean;
  /** What a byte becomes that has no entry. */
  readonly unknownTokenId: number | null;
}

/** What a GGUF file says about its tokenizer. */
export type Vocabulary = ByteLevelVocabulary | SentencePieceVocabulary;

/** @throws ModelFileError (unsupported_tokenizer, missing_metadata, bad_metadata) */
export function readVocabulary(file: GgufFile): Vocabulary {
  if (isSentencePiece(file)) {
    const common = readCommon(file, true, SENTENCE_PIECE_IDS);
    return {
      ...common,
      kind: 'llama',
      scores: readPerToken(file, 'tokenizer.ggml.scores', common.entries) ?? new Float32Array(common.entries.length),
      addSpacePrefix: file.findBoolean('tokenizer.ggml.add_space_prefix') ?? true,
      unknownTokenId: readTokenId(file, TOKEN_ID_KEYS.unknown, common.entries, SENTENCE_PIECE_IDS.unknown),
    };
  }
  const preTokenizer = readPreTokenizer(file);
  const common = readCommon(file, preTokenizer.addBos);
  return { ...common, kind: 'gpt2', preTokenizer, merges: file.getStrings('tokenizer.ggml.merges') };
}

function readCommon(file: GgufFile, addsBos: boolean, defaults: { bos?: number; eos?: number } = {}): CommonVocabulary {
  const entries = file.getStrings('tokenizer.ggml.tokens').map((entry, id) => entry || `[EMPTY_${id}]`);
  if (new Set(entries).size !== entries.length) {
    throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, `${file.path}: two tokens have the same text`);
  }
  const bosTokenId = readTokenId(file, TOKEN_ID_KEYS.bos, entries, defaults.bos);
  const eosTokenId = readTokenId(file, TOKEN_ID_KEYS.eos, entries, defaults.eos);
  const addBos = file.findBoolean('tokenizer.ggml.add_bos_token') ?? addsBos;
  const addEos = file.findBoolean('tokenizer.ggml.add_eos_token') ?? false;
  if ((addBos && bosTokenId === null) || (addEos && eosTokenId === null)) {
    const [key, wanted] = bosTokenId === null ? [TOKEN_ID_KEYS.bos, 'begin'] : [TOKEN_ID_KEYS.eos, 'end'];
    const message = `${file.path}: prompts ${wanted} with a special token, but metadata ${key} is missing`;
    throw new ModelFileError(ModelFileErrorCode.MISSING_METADATA, message);
  }
  return {
    entries,
    types: readTypes(file, entries),
    bosTokenId,
    eosTokenId,
    eosTokenIds: findEosTokenIds(file, entries),
    addBos,
    addEos,
  };
}

function readPreTokenizer(file: GgufFile): PreTokenizer {
  const model = file.getString('tokenizer.ggml.model');
  const pre = file.findString('tokenizer.ggml.pre');
  const found = model === 'gpt2' && pre !== undefined ? findPreTokenizer(pre) : undefined;
  if (found) return found;
  const named = model === 'gpt2' ? `pre-tokenizer "${pre ?? '(none)'}"` : `tokenizer "${model}"`;
  const supported = `tokenizer llama, or gpt2 with pre-tokenizer ${PRE_TOKENIZER_NAMES.join(', ')}`;
  const message = `${file.path}: ${named} is not supported; use the model's safetensors with tokenizer.json, or a model with ${supported}`;
  throw new ModelFileError(ModelFileErrorCode.UNSUPPORTED_TOKENIZER, message);
}

function readTypes(file: GgufFile, entries: readonly string[]): Uint8Array {
  const stored = readPerToken(file, 'tokenizer.ggml.token_type', entries);
  const isSpm = isSentencePiece(file);
  // As llama.cpp does: an end marker is a control token even if the file's converter did not know it.
  return Uint8Array.from(entries, (entry, id) =>
    isEndMarker(entry, isSpm) ? TokenType.CONTROL : (stored?.[id] ?? TokenType.NORMAL),
  );
}

/** One number for each token; undefined if the file has none. */
function readPerToken(file: GgufFile, key: string, entries: readonly string[]): ArrayLike<number> | undefined {
  const numbers = file.findNumbers(key);
  if (!numbers || numbers.length >= entries.length) return numbers;
  const message = `${file.path}: ${entries.length} tokens, but only ${numbers.length} numbers in metadata ${key}`;
  throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, message);
}

/** @param byDefault ignored where the vocabulary does not reach so far */
function readTokenId(file: GgufFile, key: string, entries: readonly string[], byDefault?: number): number | null {
  const id = file.findNumber(key);
  if (id === undefined) return byDefault !== undefined && byDefault < entries.length ? byDefault : null;
  if (Number.isInteger(id) && id >= 0 && id < entries.length) return id;
  const message = `${file.path}: metadata ${key} is ${id}, outside the vocabulary of ${entries.length}`;
  throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, message);
}
