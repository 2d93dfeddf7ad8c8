import { ChatTemplate } from '../chat/chat-template.js';
import { readGgufConfig } from '../config/gguf-config.js';
import type { ModelConfig } from '../model-config.js';
import type { ModelFile, ModelTensor } from '../model-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { type ModelInfo, modelInfo } from '../model-info.js';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer.js';
import { type GgufFile, openGguf } from './gguf-file.js';
import { fingerprintOfGguf } from './gguf-fingerprint.js';

/** A model in one GGUF file. */
export class GgufModel implements ModelFile {
  readonly path: string;
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, ModelTensor>;
  readonly #file: GgufFile;
  #info: ModelInfo | undefined;

  /** Takes the file over. @throws ModelFileError for a model that no engine here computes */
  constructor(file: GgufFile) {
    this.path = file.path;
    this.config = readGgufConfig(file);
    this.tensors = file.tensors;
    this.#file = file;
  }

  get info(): ModelInfo {
    return (this.#info ??= modelInfo(this.#file));
  }

  readTensor({ name }: ModelTensor): Uint8Array {
    const tensor = this.#file.tensors.get(name);
    if (tensor) return this.#file.readTensor(tensor);
    throw new ModelFileError(ModelFileErrorCode.MISSING_TENSOR, `${this.path}: tensor ${name} is missing`);
  }

  fingerprint(): string {
    return fingerprintOfGguf(this.#file);
  }

  loadTokenizer(): Tokenizer {
    return loadTokenizer(this.#file);
  }

  loadChatTemplate(): ChatTemplate {
    return ChatTemplate.fromGguf(this.#file);
  }

  close(): void {
    this.#file.close();
  }
}

/** @throws ModelFileError */
export function openGgufModel(path: string): GgufModel {
  const file = openGguf(path);
  try {
    return new GgufModel(file);
  } catch (error) {
    file.close();
    throw error;
  }
}
