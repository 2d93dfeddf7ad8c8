import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';

/**
 * An object of a JSON file. `find` accessors answer undefined when a key is absent or null, `get` accessors throw
 * `missing_metadata`; both throw `bad_metadata` when the value has another type.
 */
export class JsonObject {
  constructor(
    /** The file, and the place of this object in it, for messages. */
    readonly where: string,
    private readonly values: Readonly<Record<string, unknown>>,
  ) {}

  /** The object itself if `value` is one. @throws ModelFileError (bad_metadata) */
  static of(where: string, value: unknown): JsonObject {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return new JsonObject(where, value as Record<string, unknown>);
    }
    throw new ModelFileError(ModelFileErrorCode.BAD_METADATA, `${where} is ${shown(value)}, expected an object`);
  }

  get keys(): readonly string[] {
    return Object.keys(this.values);
  }

  /** Whatever it is; undefined when absent or null. */
  find(key: string): unknown {
    return Object.hasOwn(this.values, key) ? (this.values[key] ?? undefined) : undefined;
  }

  has(key: string): boolean {
    return Object.hasOwn(this.values, key);
  }

  findNumber(key: string): number | undefined {
    const value = this.find(key);
    if (value === undefined || typeof value === 'number') return value;
    throw this.badType(key, 'a number');
  }

  getNumber(key: string): number {
    return this.findNumber(key) ?? this.#missing(key);
  }

  findString(key: string): string | undefined {
    const value = this.find(key);
    if (value === undefined || typeof value === 'string') return value;
    throw this.badType(key, 'a string');
  }

  getString(key: string): string {
    return this.findString(key) ?? this.#missing(key);
  }

  findBoolean(key: string): boolean | undefined {
    const value = this.find(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.badType(key, 'true or false');
  }

  findArray(key: string): readonly unknown[] | undefined {
    const value = this.find(key);
    if (value === undefined || Array.isArray(value)) return value;
    throw this.badType(key, 'an array');
  }

  findObject(key: string): JsonObject | undefined {
    const value = this.find(key);
    return value === undefined ? undefined : JsonObject.of(`${this.where}: ${key}`, value);
  }

  getObject(key: string): JsonObject {
    return this.findObject(key) ?? this.#missing(key);
  }

  badType(key: string, wanted: string): ModelFileError {
    const message = `${this.where}: ${key} is ${shown(this.values[key])}, expected ${wanted}`;
    return new ModelFileError(ModelFileErrorCode.BAD_METADATA, message);
  }

  #missing(key: string): never {
    throw new ModelFileError(ModelFileErrorCode.MISSING_METADATA, `${this.where}: ${key} is missing`);
  }
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'undefined').slice(0, 40);
}
