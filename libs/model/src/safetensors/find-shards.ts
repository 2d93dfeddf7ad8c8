import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonFile } from '../json/read-json-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** File names of a model's safetensors, and which tensors to take from each; null for all. */
export type Shards = ReadonlyMap<string, ReadonlySet<string> | null>;

/**
 * Finds a folder's safetensors as transformers does: `model.safetensors`, else what the index names, else the only one.
 *
 * @throws ModelFileError (missing_file, not_json, missing_metadata, bad_metadata)
 */
export function findShards(folder: string): Shards {
  if (existsSync(join(folder, SINGLE))) return new Map([[SINGLE, null]]);
  if (existsSync(join(folder, INDEX))) return readIndex(folder);
  const others = readdirSync(folder).filter((name) => name.endsWith('.safetensors'));
  if (others.length === 1) return new Map([[others[0]!, null]]);
  const found = others.length === 0 ? 'no safetensors' : `${others.length} safetensors and no ${INDEX}`;
  const message = `${folder} has ${found}; download the whole model, or convert it to safetensors or GGUF`;
  throw new ModelFileError(ModelFileErrorCode.MISSING_FILE, message);
}

function readIndex(folder: string): Shards {
  const path = join(folder, INDEX);
  const map = readJsonFile(path).getObject('weight_map');
  const shards = new Map<string, Set<string>>();
  for (const name of map.keys) {
    const file = map.getString(name);
    if (!/^[^/\\]+\.safetensors$/.test(file)) throw map.badType(name, 'the name of a safetensors file beside it');
    const names = shards.get(file) ?? new Set();
    shards.set(file, names.add(name));
  }
  if (shards.size === 0) throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, `${path}: weight_map is empty`);
  const missing = [...shards.keys()].filter((file) => !existsSync(join(folder, file)));
  if (missing.length === 0) return shards;
  const message = `${path} names files that are missing: ${missing.join(', ')}; download them`;
  throw new ModelFileError(ModelFileErrorCode.MISSING_FILE, message);
}
