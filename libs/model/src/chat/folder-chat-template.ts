import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { JsonObject } from '../json/json-object.js';
import { findJsonFile, readTextFile } from '../json/read-json-file.js';
import { readFolderTokenTexts } from '../tokenizer/folder-token-texts.js';
import { ChatTemplate } from './chat-template.js';

/**
 * The template of a Hugging Face folder: chat_template.jinja, else what tokenizer_config.json has; a model without one gets a
 * template that refuses every conversation.
 *
 * @throws ModelFileError (bad_template, not_json, bad_metadata, unreadable)
 */
export function loadFolderChatTemplate(folder: string): ChatTemplate {
  const config = findJsonFile(join(folder, 'tokenizer_config.json'));
  const path = join(folder, 'chat_template.jinja');
  const source = existsSync(path) ? readTextFile(path) : config && findTemplate(config);
  const textOf = readFolderTokenTexts(folder);
  const [bosToken, eosToken] = [textOf('bos_token'), textOf('eos_token')];
  return new ChatTemplate(source ?? null, { ...(bosToken && { bosToken }), ...(eosToken && { eosToken }) });
}

/** One template, or several by name, of which `default` is for conversations. */
function findTemplate(config: JsonObject): string | undefined {
  if (!Array.isArray(config.find('chat_template'))) return config.findString('chat_template');
  return config
    .findArray('chat_template')!
    .map((entry) => JsonObject.of(`${config.where}: chat_template`, entry))
    .find((entry) => entry.findString('name') === 'default')
    ?.getString('template');
}
