import { join } from 'node:path';
import { findJsonFile } from '../json/read-json-file.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';
import { readFolderTokenIds } from './folder-token-ids.js';
import { type HuggingFaceJson, parseHuggingFaceJson } from './hugging-face-json.js';
import { HuggingFaceTokenizer } from './hugging-face-tokenizer.js';
import { Tokenizer } from './tokenizer.js';

/**
 * Makes the tokenizer of a Hugging Face model's folder, from its tokenizer.json; `addSpecial` adds what the file's
 * post-processor does. BPE, byte-level or with byte fallback.
 *
 * @throws ModelFileError: missing_file, not_json, bad_metadata, unreadable; unsupported_tokenizer for other models
 */
export function loadTokenizerFolder(folder: string): Tokenizer {
  const file = findJsonFile(join(folder, 'tokenizer.json'));
  if (!file) {
    const message = `${folder} has no tokenizer.json (tokenizer.model is not read); use a GGUF file of the model`;
    throw new ModelFileError(ModelFileErrorCode.MISSING_FILE, message);
  }
  const json = withinRows(folder, parseHuggingFaceJson(file));
  const addedTexts = new Map(json.addedTokens.map(({ id, content }) => [id, content]));
  return new Tokenizer(new HuggingFaceTokenizer(json, readFolderTokenIds(folder, json)), (id) => addedTexts.get(id));
}

/** Without the tokens that were added to a tokenizer but have no row in the model, such as a `<pad>` for training. */
function withinRows(folder: string, json: HuggingFaceJson): HuggingFaceJson {
  const rows = findJsonFile(join(folder, 'config.json'))?.findNumber('vocab_size') ?? Infinity;
  return { ...json, addedTokens: json.addedTokens.filter(({ id }) => id < rows) };
}
