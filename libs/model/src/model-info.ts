import { basename } from 'node:path';
import type { GgufFile } from './gguf/gguf-file.js';
import { findEosTokenIds } from './tokenizer/special-ids.js';

/** What there is to say about a model without loading it. */
export interface ModelInfo {
  /** `general.name`, else the file's name without its ending. */
  readonly name: string;
  /** `llama` and the like. */
  readonly architecture: string;
  /** Tokens of prompt and answer together. */
  readonly contextLength: number;
  /** Tokens that end a text or a turn; the file's own EOS first. */
  readonly eosTokenIds: readonly number[];
}

/** @throws ModelFileError (missing_metadata, bad_metadata) */
export function modelInfo(file: GgufFile): ModelInfo {
  const architecture = file.getString('general.architecture');
  return {
    name: file.findString('general.name') ?? basename(file.path, '.gguf'),
    architecture,
    contextLength: file.getNumber(`${architecture}.context_length`),
    eosTokenIds: findEosTokenIds(file, file.getStrings('tokenizer.ggml.tokens')),
  };
}
