import type { GgufFile } from '../gguf/gguf-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { findEosTokenIds, isEndMarker, TOKEN_ID_KEYS } from './special-ids.js';
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

/** What a GGUF file says about its tokenizer. */
export interface Vocabulary {
  readonly preTokenizer: PreTokenizer;
  /** Entry of each id, spelled in GPT-2's byte alphabet; special ones in plain text. */
  readonly entries: readonly string[];
  readonly types: Uint8Array;
  /** `left right`, best first. */
  readonly merges: readonly string[];
  readonly bosTokenId: number | null;
  readonly eosTokenId: number | null;
  /** All tokens that end a text or a turn. */
  readonly eosTokenIds: readonly number[];
  readonly addBos: boolean;
  readonly addEos: boolean;
}

/** @throws ModelFileError (unsupported_tokenizer, missing_metadata, bad_metadata) */
export function readVocabulary(file: GgufFile): Vocabulary {
  const preTokenizer = readPreTokenizer(file);
  const entries = file.getStrings('tokenizer.ggml.tokens').map((entry, id) => entry || `[EMPTY_${id}]`);
  if (new Set(entries).size !== entries.length) {
    throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, `${file.path}: two tokens have the same text`);
  }
  const bosTokenId = readTokenId(file, TOKEN_ID_KEYS.bos, entries.length);
  const eosTokenId = readTokenId(file, TOKEN_ID_KEYS.eos, entries.length);
  const addBos = file.findBoolean('tokenizer.ggml.add_bos_token') ?? preTokenizer.addBos;
  const addEos = file.findBoolean('tokenizer.ggml.add_eos_token') ?? false;
  if ((addBos && bosTokenId === null) || (addEos && eosTokenId === null)) {
    const [key, wanted] = bosTokenId === null ? [TOKEN_ID_KEYS.bos, 'begin'] : [TOKEN_ID_KEYS.eos, 'end'];
    const message = `${file.path}: prompts ${wanted} with a special token, but metadata ${key} is missing`;
    throw new ModelFileError(ModelFileErrorCode.MISSING_METADATA, message);
  }
  return {
    preTokenizer,
    entries,
    types: readTypes(file, entries),
    merges: file.getStrings('tokenizer.ggml.merges'),
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
  const supported = `gpt2 with pre-tokenizer ${PRE_TOKENIZER_NAMES.join(', ')}`;
  const message = `${file.path}: ${named} is not supported; use a model with ${supported}`;
  throw new ModelFileError(ModelFileErrorCode.UNSUPPORTED_TOKENIZER, message);
}

function readTypes(file: GgufFile, entries: readonly string[]): Uint8Array {
  const stored = file.findNumbers('tokenizer.ggml.token_type');
  if (stored && stored.length < entries.length) {
    const message = `${file.path}: ${entries.length} tokens, but only ${stored.length} token types`;
    throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, message);
  }
  // As llama.cpp does: an end marker is a control token even if the file's converter did not know it.
  return Uint8Array.from(entries, (entry, id) =>
    isEndMarker(entry) ? TokenType.CONTROL : (stored?.[id] ?? TokenType.NORMAL),
  );
}

function readTokenId(file: GgufFile, key: string, vocabSize: number): number | null {
  const id = file.findNumber(key);
  if (id === undefined) return null;
  if (Number.isInteger(id) && id >= 0 && id < vocabSize) return id;
  const message = `${file.path}: metadata ${key} is ${id}, outside the vocabulary of ${vocabSize}`;
  throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, message);
}
