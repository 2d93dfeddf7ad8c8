import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { type GgufFile, openGguf } from './gguf/gguf-file.js';
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

const SAMPLE_BYTES = 256;
const HEADER_CHUNK_BYTES = 1 << 20;

/**
 * A short id of a model: 16 lowercase hex digits, the same wherever the same file lies. It is the beginning of the SHA-256
 * of the file's size, its header (architecture, vocabulary, tensor names, types and places) and of 256 bytes at the start,
 * the middle and the end of every tensor: two models get different ids if any of these differ, which training or another
 * quantization brings about. It costs milliseconds once the file is open (30 ms more to open one by path); it is no
 * protection against a file made to collide.
 *
 * @throws ModelFileError
 */
export function fingerprint(model: string | GgufFile): string {
  if (typeof model !== 'string') return fingerprintOf(model);
  const file = openGguf(model);
  try {
    return fingerprintOf(file);
  } finally {
    file.close();
  }
}

function fingerprintOf(file: GgufFile): string {
  const hash = createHash('sha256').update(`${file.sizeBytes}\n`);
  const headerBytes = Math.min(file.dataOffset, file.sizeBytes);
  for (let at = 0; at < headerBytes; at += HEADER_CHUNK_BYTES) {
    hash.update(file.readBytes(at, Math.min(HEADER_CHUNK_BYTES, headerBytes - at)));
  }
  for (const { offset, byteLength } of file.tensors.values()) {
    const size = Math.min(SAMPLE_BYTES, byteLength);
    for (const at of [0, Math.floor((byteLength - size) / 2), byteLength - size])
      hash.update(file.readBytes(offset + at, size));
  }
  return hash.digest('hex').slice(0, 16);
}
