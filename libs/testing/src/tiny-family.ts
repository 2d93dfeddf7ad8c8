import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeGguf, writeSafetensors } from '@sliceway/model';
import type { FamilyConfig } from './family-config.js';
import { ggufMetadata, ggufTensors } from './family-gguf.js';
import { familyWeights, type FamilyTensor } from './family-weights.js';
import { tinyTokenizerFiles } from './tiny-vocabulary.js';

/** A tiny model of a family, as `libs/engine/test/reference/families.json` lists them. */
export interface FamilySpec {
  readonly name: string;
  readonly seed: number;
  /** Of config.json, which gets all of it. The vocabulary has 266 tokens. */
  readonly config: FamilyConfig;
}

export interface TinyFamilyOptions {
  /** Safetensors files, with an index if there are several. Default 1. */
  readonly shards?: number;
}

/**
 * Writes a model of random F32 weights, the same ones in either format: a folder as it lies on the Hugging Face hub, or
 * the GGUF file that llama.cpp's converter makes of it. Both can be served; they have the vocabulary of `tinyModel`.
 *
 * @returns the path of the folder, or of the file
 */
export function tinyFamily(
  directory: string,
  spec: FamilySpec,
  format: 'safetensors' | 'gguf',
  { shards = 1 }: TinyFamilyOptions = {},
): string {
  const { name, config } = spec;
  const tensors = familyWeights(config, spec.seed);
  if (format === 'gguf') {
    const path = join(directory, `${name}.gguf`);
    writeGguf(path, ggufMetadata(name, config), ggufTensors(config, tensors));
    return path;
  }
  const folder = join(directory, name);
  mkdirSync(folder, { recursive: true });
  for (const [file, content] of Object.entries({ 'config.json': config, ...tinyTokenizerFiles() })) {
    writeFileSync(join(folder, file), JSON.stringify(content, null, 2));
  }
  writeShards(folder, tensors, shards);
  return folder;
}

function writeShards(folder: string, tensors: readonly FamilyTensor[], shards: number): void {
  if (shards === 1) return writeSafetensors(join(folder, 'model.safetensors'), tensors);
  const digits = (shard: number): string => String(shard).padStart(5, '0');
  const weight_map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const start = Math.floor((shard * tensors.length) / shards);
    const part = tensors.slice(start, Math.floor(((shard + 1) * tensors.length) / shards));
    const file = `model-${digits(shard + 1)}-of-${digits(shards)}.safetensors`;
    writeSafetensors(join(folder, file), part);
    for (const { name } of part) weight_map[name] = file;
  }
  const total_size = tensors.reduce((bytes, { data }) => bytes + data.byteLength, 0);
  const index = { metadata: { total_size }, weight_map };
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify(index, null, 2));
}
