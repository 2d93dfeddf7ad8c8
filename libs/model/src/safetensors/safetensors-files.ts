import { join } from 'node:path';
import { DataFile } from '../data-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { findShards } from './find-shards.js';
import { ggufName, isDerivedTensor } from './gguf-name.js';
import { readSafetensorsHeader, type SafetensorsTensor } from './read-safetensors-header.js';

/** A tensor under GGUF's name, and the file that holds it. */
export interface PlacedTensor extends SafetensorsTensor {
  readonly file: DataFile;
}

/** One of the files of a model. */
export interface SafetensorsFile {
  readonly file: DataFile;
  readonly dataOffset: number;
}

/** The open safetensors of a folder, and all their tensors by GGUF's name. */
export class SafetensorsFiles {
  /** In the order of their names. */
  readonly files: readonly SafetensorsFile[];
  readonly tensors: ReadonlyMap<string, PlacedTensor>;

  private constructor(files: readonly SafetensorsFile[], tensors: ReadonlyMap<string, PlacedTensor>) {
    this.files = files;
    this.tensors = tensors;
  }

  /** The caller closes it. @throws ModelFileError */
  static open(folder: string): SafetensorsFiles {
    const shards = findShards(folder);
    const files: SafetensorsFile[] = [];
    const tensors = new Map<string, PlacedTensor>();
    const opened: DataFile[] = [];
    try {
      for (const name of [...shards.keys()].sort()) {
        const file = DataFile.open(join(folder, name));
        opened.push(file);
        const { tensors: found, dataOffset } = readSafetensorsHeader(file);
        files.push({ file, dataOffset });
        for (const tensor of pick(file, found, shards.get(name) ?? null)) {
          tensors.set(ggufName(tensor.name), { ...tensor, name: ggufName(tensor.name), file });
        }
      }
    } catch (error) {
      opened.forEach((file) => file.close());
      throw error;
    }
    return new SafetensorsFiles(files, tensors);
  }

  close(): void {
    this.files.forEach(({ file }) => file.close());
  }
}

function pick(
  file: DataFile,
  found: readonly SafetensorsTensor[],
  wanted: ReadonlySet<string> | null,
): readonly SafetensorsTensor[] {
  const names = new Set(found.map(({ name }) => name));
  const missing = [...(wanted ?? [])].find((name) => !names.has(name));
  if (missing !== undefined) {
    const message = `${file.path}: tensor ${missing} is missing, though the index says that it is here`;
    throw new ModelFileError(ModelFileErrorCode.MISSING_TENSOR, message);
  }
  return found.filter(({ name }) => !isDerivedTensor(name) && (wanted?.has(name) ?? true));
}
