import { join } from 'node:path';
import type { JsonObject } from '../json/json-object.js';
import { findJsonFile } from '../json/read-json-file.js';
import type { HuggingFaceJson } from './hugging-face-json.js';
import { readFolderTokenTexts, type TokenTextKey } from './folder-token-texts.js';
import { isEndMarker } from './special-ids.js';

/** The tokens that mean something beyond their text. */
export interface FolderTokenIds {
  /** Rows of the model, which may be more than the tokenizer has tokens. */
  readonly vocabSize: number;
  readonly bosTokenId: number | null;
  /** Tokens that end a text or a turn: the model's, the tokenizer's, then known markers. */
  readonly eosTokenIds: readonly number[];
  /** Tokens without text. */
  readonly specialIds: ReadonlySet<number>;
}

/**
 * Reads what lies beside tokenizer.json, none of which must be there: config.json, generation_config.json,
 * tokenizer_config.json and special_tokens_map.json.
 *
 * @throws ModelFileError (not_json, bad_metadata, unreadable)
 */
export function readFolderTokenIds(folder: string, { addedTokens, model }: HuggingFaceJson): FolderTokenIds {
  const find = (name: string) => findJsonFile(join(folder, name));
  const [config, generation] = [find('config.json'), find('generation_config.json')];
  const textOf = readFolderTokenTexts(folder);
  const idOfText = new Map(Object.entries(model.vocab));
  for (const { content, id } of addedTokens) idOfText.set(content, id);
  const vocabSize = [...idOfText.values()].reduce(
    (size, id) => Math.max(size, id + 1),
    config?.findNumber('vocab_size') ?? 0,
  );

  const idsOf = (key: TokenTextKey) => {
    const text = textOf(key);
    const id = text ? idOfText.get(text) : undefined;
    return id === undefined ? [] : [id];
  };
  const namesBos = textOf('bos_token') !== undefined;
  const [bosTokenId = null] = namesBos ? idsOf('bos_token') : tokenIds(config, 'bos_token_id');
  const markers = addedTokens.filter(({ content }) => isEndMarker(content, false)).map(({ id }) => id);
  const eosTokenIds = [
    ...tokenIds(generation, 'eos_token_id'),
    ...tokenIds(config, 'eos_token_id'),
    ...idsOf('eos_token'),
    ...markers,
  ].filter((id) => id < vocabSize);

  const specialIds = new Set([...addedTokens.filter(({ special }) => special).map(({ id }) => id), ...markers]);
  const unknown = model['unk_token'];
  const unknownId = typeof unknown === 'string' ? idOfText.get(unknown) : undefined;
  if (unknownId !== undefined) specialIds.add(unknownId);
  return { vocabSize, bosTokenId, eosTokenIds: [...new Set(eosTokenIds)], specialIds };
}

/** One id or several. */
function tokenIds(json: JsonObject | undefined, key: string): readonly number[] {
  const value = json?.find(key) ?? [];
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (ids.every((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0)) return ids;
  throw json!.badType(key, 'a token id or several');
}
