import { DataFile } from '../data-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { FileCursor } from './file-cursor.js';
import type { GgufTensor, GgufValue } from './gguf-format.js';
import { type GgufHeader, readHeader } from './read-header.js';

/**
 * An open GGUF file: its header in memory, its tensors on disk. The `find` accessors answer undefined when a key is absent,
 * the `get` accessors throw `missing_metadata`; both throw `bad_metadata` when the value has another type.
 */
export class GgufFile {
  readonly version: number;
  readonly metadata: ReadonlyMap<string, GgufValue>;
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  /** Where tensor data begins, in bytes from the start of the file. */
  readonly dataOffset: number;
  readonly #file: DataFile;

  /** Takes the file over; {@link openGguf} is the way to get one. */
  constructor(file: DataFile, header: GgufHeader) {
    this.#file = file;
    this.version = header.version;
    this.metadata = header.metadata;
    this.tensors = header.tensors;
    this.dataOffset = header.dataOffset;
  }

  get path(): string {
    return this.#file.path;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  /** Reads all bytes of a tensor into a buffer of their own, from offset 0 of it. @throws ModelFileError */
  readTensor(tensor: GgufTensor): Uint8Array {
    return this.readBytes(tensor.offset, tensor.byteLength);
  }

  /** Reads any part of the file. @throws ModelFileError */
  readBytes(offset: number, byteLength: number): Uint8Array {
    return this.#file.readBytes(offset, byteLength);
  }

  findString(key: string): string | undefined {
    const value = this.metadata.get(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.#badType(key, value, 'a string');
  }

  getString(key: string): string {
    return this.findString(key) ?? this.#missing(key);
  }

  /** Any number type; 64-bit ones if they are safe integers. */
  findNumber(key: string): number | undefined {
    const value = this.metadata.get(key);
    if (value === undefined || typeof value === 'number') return value;
    const number = typeof value === 'bigint' ? Number(value) : NaN;
    if (Number.isSafeInteger(number)) return number;
    throw this.#badType(key, value, 'a number');
  }

  getNumber(key: string): number {
    return this.findNumber(key) ?? this.#missing(key);
  }

  findBoolean(key: string): boolean | undefined {
    const value = this.metadata.get(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.#badType(key, value, 'a boolean');
  }

  findStrings(key: string): readonly string[] | undefined {
    const value = this.metadata.get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && typeof (value[0] ?? '') === 'string') return value as readonly string[];
    throw this.#badType(key, value, 'an array of strings');
  }

  getStrings(key: string): readonly string[] {
    return this.findStrings(key) ?? this.#missing(key);
  }

  /** An array of numbers of up to 32 bits, or of doubles. */
  findNumbers(key: string): ArrayLike<number> | undefined {
    const value = this.metadata.get(key);
    if (value === undefined) return undefined;
    const isNumeric = ArrayBuffer.isView(value) && !(value instanceof BigUint64Array || value instanceof BigInt64Array);
    if (isNumeric) return value as ArrayLike<number>;
    throw this.#badType(key, value, 'an array of numbers');
  }

  /** The header stays readable. */
  close(): void {
    this.#file.close();
  }

  #missing(key: string): never {
    throw new ModelFileError(ModelFileErrorCode.MISSING_METADATA, `${this.path}: metadata ${key} is missing`);
  }

  #badType(key: string, value: GgufValue, wanted: string): ModelFileError {
    const found =
      typeof value === 'object' ? value.constructor.name : `the ${typeof value} ${String(value).slice(0, 40)}`;
    const message = `${this.path}: metadata ${key} is ${found}, expected ${wanted}`;
    return new ModelFileError(ModelFileErrorCode.BAD_METADATA, message);
  }
}

/** Opens a GGUF file of version 2 or 3 and reads its header. The caller closes it. @throws ModelFileError */
export function openGguf(path: string): GgufFile {
  const file = DataFile.open(path);
  try {
    return new GgufFile(file, readHeader(new FileCursor(file)));
  } catch (error) {
    file.close();
    throw error;
  }
}
