import { existsSync } from 'node:fs';
import { findModel, isGguf, ModelFileError, type ModelLocation } from '@sliceway/model';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';

/**
 * The model at a path, as `findModel` reads it; null when nothing is there.
 *
 * @throws ProvisionError `bad_setting` when something else is there
 */
export function findLocalModel(path: string): string | null {
  if (!existsSync(path)) return null;
  const found = find(path);
  // Services would open it, whatever its name; here a file of another kind is more likely a slip.
  if (found.format === 'safetensors' || isGguf(found.path)) return found.path;
  throw badSetting(`${path} is no .gguf file and no folder of safetensors.`);
}

function find(path: string): ModelLocation {
  try {
    return findModel(path);
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    throw badSetting(`${error.message}.`);
  }
}

export function badSetting(detail: string): ProvisionError {
  return new ProvisionError(ProvisionErrorCode.BAD_SETTING, `SLICEWAY_MODEL: ${detail}`);
}
