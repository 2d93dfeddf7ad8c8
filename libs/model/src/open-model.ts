import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openGgufModel } from './gguf/gguf-model.js';
import type { ModelFile } from './model-file.js';
import { ModelFileError, ModelFileErrorCode } from './model-file-error.js';
import { CONFIG_FILE, SafetensorsModel } from './safetensors/safetensors-model.js';

/** Files by which their folder may be named. */
const FOLDER_FILE = /(^|[/\\])config\.json$|\.safetensors(\.index\.json)?$/;

/**
 * Opens a model: a .gguf file, a folder with config.json and safetensors, a file of these, or a folder whose only model is one
 * .gguf. The caller closes it.
 *
 * @throws ModelFileError for what is damaged, incomplete or not supported, before any tensor is read
 */
export function openModel(path: string): ModelFile {
  if (isFolder(path)) return openFolder(path);
  return FOLDER_FILE.test(path) ? openFolder(dirname(path)) : openGgufModel(path);
}

function openFolder(folder: string): ModelFile {
  const names = list(folder);
  if (names.includes(CONFIG_FILE)) return new SafetensorsModel(folder);
  const ggufs = names.filter((name) => name.toLowerCase().endsWith('.gguf'));
  if (ggufs.length === 1) return openGgufModel(join(folder, ggufs[0]!));
  const message =
    ggufs.length > 1
      ? `${folder} has several .gguf files; name one of them: ${ggufs.sort().join(', ')}`
      : `${folder} has neither ${CONFIG_FILE} nor a .gguf file; name a folder that holds a model`;
  throw new ModelFileError(ModelFileErrorCode.MISSING_FILE, message);
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    const message = `cannot open the model ${folder}: ${(cause as Error).message}`;
    throw new ModelFileError(ModelFileErrorCode.UNREADABLE, message, { cause });
  }
}
