import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';

/** A file of a folder of safetensors stands for the folder. */
const FOLDER_FILE = /([\\/]config\.json|\.safetensors|\.safetensors\.index\.json)$/;

/**
 * The model at a path: a .gguf file, a folder with config.json, or the only .gguf of a folder; null when nothing is there.
 *
 * @throws ProvisionError `bad_setting` when something else is there
 */
export async function findLocalModel(path: string): Promise<string | null> {
  const stats = await stat(path).catch(() => null);
  if (stats === null) return null;
  if (stats.isDirectory()) return modelInFolder(path);
  if (!stats.isFile()) throw badSetting(`${path} is no file.`);
  if (isGguf(path)) return path;
  if (FOLDER_FILE.test(path)) return modelInFolder(dirname(path));
  throw badSetting(`${path} is no .gguf file and no folder of safetensors.`);
}

async function modelInFolder(folder: string): Promise<string> {
  const names = await readdir(folder);
  if (names.includes('config.json')) return folder;
  const ggufs = names.filter(isGguf).sort();
  if (ggufs.length === 1) return join(folder, ggufs[0]!);
  if (ggufs.length > 1) throw badSetting(`${folder} has several .gguf files. Name one of them: ${ggufs.join(', ')}`);
  throw badSetting(`${folder} is a folder without config.json and without a .gguf file.`);
}

export function isGguf(path: string): boolean {
  return path.toLowerCase().endsWith('.gguf');
}

export function badSetting(detail: string): ProvisionError {
  return new ProvisionError(ProvisionErrorCode.BAD_SETTING, `SLICEWAY_MODEL: ${detail}`);
}
