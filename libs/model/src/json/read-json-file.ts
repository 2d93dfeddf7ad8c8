import { existsSync } from 'node:fs';
import { DataFile } from '../data-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { JsonObject } from './json-object.js';

/** About twice the largest that is known: tokenizer files of 256,000 tokens have 34 MB. */
const MAX_BYTES = 64 << 20;

/** Reads a file that must be there. @throws ModelFileError (missing_file, not_json, bad_metadata, unreadable) */
export function readJsonFile(path: string): JsonObject {
  const found = findJsonFile(path);
  if (found) return found;
  throw new ModelFileError(ModelFileErrorCode.MISSING_FILE, `${path} is missing; download the whole model`);
}

/** Reads a file that may be absent. @throws ModelFileError (not_json, bad_metadata, unreadable) */
export function findJsonFile(path: string): JsonObject | undefined {
  return existsSync(path) ? parseJsonObject(path, readTextFile(path)) : undefined;
}

/** @throws ModelFileError (unreadable) */
export function readTextFile(path: string): string {
  return Buffer.from(readWholeFile(path)).toString();
}

/** @throws ModelFileError (unreadable) */
export function readWholeFile(path: string): Uint8Array {
  const file = DataFile.open(path);
  try {
    if (file.sizeBytes <= MAX_BYTES) return file.readBytes(0, file.sizeBytes);
    const message = `${path}: ${file.sizeBytes} bytes are more than the ${MAX_BYTES} that such a file may have`;
    throw new ModelFileError(ModelFileErrorCode.UNREADABLE, message);
  } finally {
    file.close();
  }
}

/** @param where names the text in messages. @throws ModelFileError (not_json, bad_metadata) */
export function parseJsonObject(where: string, text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const message = `${where} is no JSON (${(cause as Error).message}); download it again`;
    throw new ModelFileError(ModelFileErrorCode.NOT_JSON, message, { cause });
  }
  return JsonObject.of(where, value);
}
