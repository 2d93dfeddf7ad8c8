import { join } from 'node:path';
import type { JsonObject } from '../json/json-object.js';
import { findJsonFile } from '../json/read-json-file.js';

export type TokenTextKey = 'bos_token' | 'eos_token';

/**
 * Reads what a Hugging Face folder calls its special tokens: tokenizer_config.json, and special_tokens_map.json for the keys
 * that the former leaves out. Neither must be there.
 *
 * @returns null for a token that the model has not, undefined for one that no file names
 * @throws ModelFileError (not_json, bad_metadata, unreadable)
 */
export function readFolderTokenTexts(folder: string): (key: TokenTextKey) => string | null | undefined {
  const files = ['tokenizer_config.json', 'special_tokens_map.json'].map((name) => findJsonFile(join(folder, name)));
  return (key) => {
    const json = files.find((file) => file?.has(key));
    return json && (textOf(json, key) ?? null);
  };
}

/** A token is named by its text, or by an object with it. */
function textOf(json: JsonObject, key: string): string | undefined {
  return typeof json.find(key) === 'object' ? json.getObject(key).getString('content') : json.findString(key);
}
