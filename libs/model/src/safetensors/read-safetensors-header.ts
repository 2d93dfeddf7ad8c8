import type { DataFile } from '../data-file.js';
import { tensorByteLength } from '../gguf/tensor-types.js';
import type { JsonObject } from '../json/json-object.js';
import { parseJsonObject } from '../json/read-json-file.js';
import type { ModelTensor } from '../model-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { LENGTH_BYTES, MAX_HEADER_BYTES, typeOfDtype } from './safetensors-format.js';

/** A tensor under the name that it has in its file. */
export interface SafetensorsTensor extends ModelTensor {
  /** Bytes from the start of the file. */
  readonly offset: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: readonly SafetensorsTensor[];
  /** Where tensor data begins, in bytes from the start of the file. */
  readonly dataOffset: number;
}

/**
 * Reads what comes before the tensor data: `u64 length | JSON { name: { dtype, shape, data_offsets: [begin, end] } }`.
 * As the format demands, tensors fill the rest of the file without gaps.
 *
 * @throws ModelFileError
 */
export function readSafetensorsHeader(file: DataFile): SafetensorsHeader {
  const headerBytes = readHeaderLength(file);
  const dataOffset = LENGTH_BYTES + headerBytes;
  const text = Buffer.from(file.readBytes(LENGTH_BYTES, headerBytes)).toString();
  const header = parseJsonObject(`${file.path}: the header`, text);
  const tensors = header.keys
    .filter((name) => name !== '__metadata__')
    .map((name) => readTensor(file, header.getObject(name), name, dataOffset))
    .sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  checkPlaces(file, tensors, dataOffset);
  return { tensors, dataOffset };
}

/** A file of another kind has something absurd there; it must not be believed. */
function readHeaderLength(file: DataFile): number {
  if (file.sizeBytes <= LENGTH_BYTES) {
    throw fault(file, ModelFileErrorCode.TRUNCATED, `the file has ${file.sizeBytes} bytes only; download it again`);
  }
  const start = Buffer.from(file.readBytes(0, LENGTH_BYTES + 1));
  const length = start.readUInt32LE(4) * 2 ** 32 + start.readUInt32LE(0);
  if (length > MAX_HEADER_BYTES || start.toString('latin1', LENGTH_BYTES) !== '{') {
    throw fault(file, ModelFileErrorCode.BAD_MAGIC, 'this is no safetensors file');
  }
  if (length > file.sizeBytes - LENGTH_BYTES) {
    const message = `the file has ${file.sizeBytes} bytes and ends inside its header of ${length}; download it again`;
    throw fault(file, ModelFileErrorCode.TRUNCATED, message);
  }
  return length;
}

function readTensor(file: DataFile, entry: JsonObject, name: string, dataOffset: number): SafetensorsTensor {
  const dtype = entry.getString('dtype');
  const type = typeOfDtype(dtype);
  if (!type) {
    const message = `tensor ${name} is of type ${dtype}; use the model's F32, F16 or BF16 files, or a GGUF file of it`;
    throw fault(file, ModelFileErrorCode.UNKNOWN_TENSOR_TYPE, message);
  }
  const shape = counts(entry, 'shape').toReversed();
  const [begin, end, ...rest] = counts(entry, 'data_offsets');
  const byteLength = tensorByteLength(type, shape);
  if (begin === undefined || end === undefined || rest.length > 0 || end - begin !== byteLength) {
    const place = JSON.stringify(entry.find('data_offsets'));
    const message = `tensor ${name}, [${shape.toReversed()}] of ${dtype}, takes ${byteLength} bytes, not those of ${place}`;
    throw fault(file, ModelFileErrorCode.BAD_TENSOR, message);
  }
  return { name, shape, type: type.name, byteLength, offset: dataOffset + begin };
}

function counts(entry: JsonObject, key: string): readonly number[] {
  const values = entry.findArray(key) ?? [];
  if (values.every((value): value is number => Number.isSafeInteger(value) && (value as number) >= 0)) return values;
  throw entry.badType(key, 'an array of whole numbers');
}

function checkPlaces(file: DataFile, tensors: readonly SafetensorsTensor[], dataOffset: number): void {
  let end = dataOffset;
  for (const { name, offset, byteLength } of tensors) {
    if (offset !== end) {
      const what = offset < end ? 'overlaps the tensor before it' : `leaves ${offset - end} bytes before it unused`;
      throw fault(file, ModelFileErrorCode.BAD_TENSOR, `tensor ${name} at byte ${offset} ${what}`);
    }
    end += byteLength;
    if (end > file.sizeBytes) {
      const message = `the file has ${file.sizeBytes} bytes but tensor ${name} takes bytes ${offset} to ${end}; download it again`;
      throw fault(file, ModelFileErrorCode.TRUNCATED, message);
    }
  }
  if (end < file.sizeBytes) {
    throw fault(file, ModelFileErrorCode.BAD_TENSOR, `the last ${file.sizeBytes - end} bytes belong to no tensor`);
  }
}

function fault(file: DataFile, code: ModelFileErrorCode, message: string): ModelFileError {
  return new ModelFileError(code, `${file.path}: ${message}`);
}
