import { findModel } from './find-model.js';
import { openGgufModel } from './gguf/gguf-model.js';
import type { ModelFile } from './model-file.js';
import { SafetensorsModel } from './safetensors/safetensors-model.js';

/**
 * Opens the model that a path names, as `findModel` reads it. The caller closes it.
 *
 * @throws ModelFileError for what is damaged, incomplete or not supported, before any tensor is read
 */
export function openModel(path: string): ModelFile {
  const found = findModel(path);
  return found.format === 'safetensors' ? new SafetensorsModel(found.path) : openGgufModel(found.path);
}
