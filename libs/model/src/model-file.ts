import type { ChatTemplate } from './chat/chat-template.js';
import type { ModelConfig } from './model-config.js';
import type { ModelInfo } from './model-info.js';
import type { Tokenizer } from './tokenizer/tokenizer.js';

/** Where a tensor lies and how its values are stored. */
export interface ModelTensor {
  /** GGUF's name, whatever file it comes from, as in `blk.0.attn_q.weight`. */
  readonly name: string;
  /** ggml's order: the contiguous dimension comes first, [in, out] for a matrix. */
  readonly shape: readonly number[];
  /** ggml's name of the type, as in `Q4_1`. */
  readonly type: string;
  readonly byteLength: number;
}

/** A model on disk, opened: one GGUF file, or a folder with safetensors, config.json and tokenizer.json. */
export interface ModelFile {
  readonly path: string;
  readonly info: ModelInfo;
  readonly config: ModelConfig;
  /** By name. */
  readonly tensors: ReadonlyMap<string, ModelTensor>;
  /** Reads all bytes of a tensor into a buffer of their own, from offset 0 of it. @throws ModelFileError */
  readTensor(tensor: ModelTensor): Uint8Array;
  /** 16 lowercase hex digits: equal for equal models, wherever they lie. @throws ModelFileError */
  fingerprint(): string;
  /** @throws ModelFileError */
  loadTokenizer(): Tokenizer;
  /** @throws ModelFileError (bad_template) */
  loadChatTemplate(): ChatTemplate;
  /** What was read stays readable; tensors do not. */
  close(): void;
}
