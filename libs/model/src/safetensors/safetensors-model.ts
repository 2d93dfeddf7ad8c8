import { basename, join, resolve } from 'node:path';
import type { ChatTemplate } from '../chat/chat-template.js';
import { loadFolderChatTemplate } from '../chat/folder-chat-template.js';
import { readHuggingFaceConfig } from '../config/hugging-face-config.js';
import { type JsonObject } from '../json/json-object.js';
import { readJsonFile } from '../json/read-json-file.js';
import type { ModelConfig } from '../model-config.js';
import type { ModelFile, ModelTensor } from '../model-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import type { ModelInfo } from '../model-info.js';
import { loadTokenizerFolder } from '../tokenizer/tokenizer-folder.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { type PlacedTensor, SafetensorsFiles } from './safetensors-files.js';
import { fingerprintOfFolder } from './safetensors-fingerprint.js';

export const CONFIG_FILE = 'config.json';

/** A model in a folder as Hugging Face lays it down: config.json, safetensors, tokenizer.json. */
export class SafetensorsModel implements ModelFile {
  readonly path: string;
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, ModelTensor>;
  readonly #files: SafetensorsFiles;
  #tokenizer: Tokenizer | undefined;
  #info: ModelInfo | undefined;

  /** @throws ModelFileError */
  constructor(folder: string) {
    this.path = resolve(folder);
    const json = readJsonFile(join(this.path, CONFIG_FILE));
    this.config = readHuggingFaceConfig(json);
    this.#files = SafetensorsFiles.open(this.path);
    try {
      this.tensors = withoutTiedHead(this.#files.tensors, json);
    } catch (error) {
      this.#files.close();
      throw error;
    }
  }

  /** Loads the tokenizer, which knows tokens that end a turn and that no config names. */
  get info(): ModelInfo {
    return (this.#info ??= {
      name: nameOf(this.path),
      architecture: this.config.architecture,
      contextLength: this.config.contextLength,
      eosTokenIds: this.loadTokenizer().eosTokenIds,
    });
  }

  readTensor({ name }: ModelTensor): Uint8Array {
    const tensor = this.#files.tensors.get(name);
    if (tensor) return tensor.file.readBytes(tensor.offset, tensor.byteLength);
    throw new ModelFileError(ModelFileErrorCode.MISSING_TENSOR, `${this.path}: tensor ${name} is missing`);
  }

  fingerprint(): string {
    return fingerprintOfFolder(this.path, this.#files);
  }

  loadTokenizer(): Tokenizer {
    return (this.#tokenizer ??= loadTokenizerFolder(this.path));
  }

  loadChatTemplate(): ChatTemplate {
    return loadFolderChatTemplate(this.path);
  }

  close(): void {
    this.#files.close();
  }
}

/** The folder's name; in a cache of huggingface_hub, whose folders are commits, the repository's. */
function nameOf(path: string): string {
  const [, cached] = /[/\\]models--(?:.+--)?([^/\\]+)[/\\]snapshots[/\\][^/\\]+$/.exec(path) ?? [];
  return cached ?? basename(path);
}

/** A tied head is the embedding; a copy of it in the file is never read. */
function withoutTiedHead(
  tensors: ReadonlyMap<string, PlacedTensor>,
  config: JsonObject,
): ReadonlyMap<string, PlacedTensor> {
  const isTied = config.findBoolean('tie_word_embeddings') ?? false;
  if (isTied) return new Map([...tensors].filter(([name]) => name !== 'output.weight'));
  if (tensors.has('output.weight')) return tensors;
  const message = `${config.where}: tie_word_embeddings is not true, but the tensor lm_head.weight is missing`;
  throw new ModelFileError(ModelFileErrorCode.MISSING_TENSOR, message);
}
