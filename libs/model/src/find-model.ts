import { lstatSync, readdirSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ModelFileError, ModelFileErrorCode } from './model-file-error.js';
import { CONFIG_FILE } from './safetensors/safetensors-model.js';

/** Where a model lies: one GGUF file, or a folder with config.json and safetensors. */
export interface ModelLocation {
  readonly format: 'gguf' | 'safetensors';
  readonly path: string;
}

/** Files by which their folder may be named. */
const FOLDER_FILE = /(^|[/\\])config\.json$|\.safetensors(\.index\.json)?$/;

/**
 * The model that a path names: a GGUF file whatever its name, a folder with config.json, a file of such a folder, or a
 * folder whose only model is one .gguf. A symbolic link to any of these stands for it, unless the link itself is named as a
 * .gguf: models are served under the name of their file or folder. No file is read.
 *
 * @throws ModelFileError `unreadable`, `missing_file`
 */
export function findModel(link: string): ModelLocation {
  const path = followed(link);
  if (FOLDER_FILE.test(path) && !isFolder(path)) return modelInFolder(dirname(path));
  const stats = reading(path, () => statSync(path));
  if (stats.isDirectory()) return modelInFolder(path);
  if (stats.isFile()) return { format: 'gguf', path };
  throw new ModelFileError(ModelFileErrorCode.UNREADABLE, `${path} is no file`);
}

/** By its name. */
export function isGguf(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf');
}

/** Stops at a .gguf, since a cache may keep files under their checksums and link to them by name. */
function followed(link: string): string {
  let path = link;
  while (!isGguf(path) && !FOLDER_FILE.test(path) && isLink(path)) {
    // Fails for links in a circle, and for one that leads nowhere.
    reading(path, () => statSync(path));
    path = resolve(dirname(path), readlinkSync(path));
  }
  return path;
}

function modelInFolder(folder: string): ModelLocation {
  const names = reading(folder, () => readdirSync(folder));
  if (names.includes(CONFIG_FILE)) return { format: 'safetensors', path: folder };
  const ggufs = names.filter(isGguf).sort();
  if (ggufs.length === 1) return { format: 'gguf', path: join(folder, ggufs[0]!) };
  const message =
    ggufs.length > 1
      ? `${folder} has several .gguf files; name one of them: ${ggufs.join(', ')}`
      : `${folder} has neither ${CONFIG_FILE} nor a .gguf file; name a folder that holds a model`;
  throw new ModelFileError(ModelFileErrorCode.MISSING_FILE, message);
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function reading<T extends Stats | string[]>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const message = `cannot open the model ${path}: ${(cause as Error).message}`;
    throw new ModelFileError(ModelFileErrorCode.UNREADABLE, message, { cause });
  }
}
