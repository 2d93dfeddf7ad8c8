import { JsonObject } from '../json/json-object.js';
import { type HuggingFaceJson, isId, type Stage, unsupported } from './hugging-face-json.js';

/** Ids before and after a prompt. */
export type PromptTemplate = readonly [prefixIds: readonly number[], suffixIds: readonly number[]];

/**
 * What the post-processors put around a single text.
 *
 * @throws ModelFileError (unsupported_tokenizer, missing_metadata, bad_metadata)
 */
export function readPromptTemplate({ path, postProcessors }: HuggingFaceJson): PromptTemplate {
  return postProcessors.reduce<PromptTemplate>(
    ([prefix, suffix], stage) => {
      const [before, after] = templateOf(path, stage);
      return [
        [...before, ...prefix],
        [...suffix, ...after],
      ];
    },
    [[], []],
  );
}

function templateOf(path: string, stage: Stage): PromptTemplate {
  const json = new JsonObject(`${path}: post_processor`, stage);
  switch (stage.type) {
    case 'ByteLevel':
      // It moves offsets, which nobody here asks for.
      return [[], []];
    case 'BertProcessing':
    case 'RobertaProcessing':
      return [[idOfPair(json, 'cls')], [idOfPair(json, 'sep')]];
    case 'TemplateProcessing': {
      const items = (json.findArray('single') ?? []).map((item) => JsonObject.of(`${json.where}: single`, item));
      const idsOf = (some: readonly JsonObject[]) => some.flatMap((item) => idsOfItem(json, item));
      const at = items.findIndex((item) => item.has('Sequence'));
      if (at >= 0) return [idsOf(items.slice(0, at)), idsOf(items.slice(at + 1))];
    }
  }
  throw unsupported(path, `post-processor "${stage.type}" of this form`);
}

/** `[text, id]`. */
function idOfPair(json: JsonObject, key: string): number {
  const id = json.findArray(key)?.[1];
  if (isId(id)) return id;
  throw json.badType(key, 'a token and its id');
}

/** The ids of `{ SpecialToken: { id: name } }`; none of another item. */
function idsOfItem(json: JsonObject, item: JsonObject): readonly number[] {
  const name = item.findObject('SpecialToken')?.getString('id');
  if (name === undefined) return [];
  const token = json.getObject('special_tokens').getObject(name);
  const ids = token.findArray('ids');
  if (ids?.every(isId)) return ids;
  throw token.badType('ids', 'an array of token ids');
}
