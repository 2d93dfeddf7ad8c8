import { JsonObject } from '../json/json-object.js';
import type { BpeModel } from './bpe-pipeline.js';
import { ModelFileError, ModelFileErrorCode } from '../model-file-error.js';

/** A part of a tokenizer.json: normalizer, pre-tokenizer, post-processor or decoder, as it is in the file. */
export type Stage = Readonly<Record<string, unknown>> & { readonly type: string };

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** For the model only; others are text that is never cut. */
  readonly special: boolean;
}

/** What is read of a tokenizer.json. */
export interface HuggingFaceJson {
  readonly path: string;
  readonly addedTokens: readonly AddedToken[];
  readonly normalizers: readonly Stage[];
  readonly preTokenizers: readonly Stage[];
  readonly postProcessors: readonly Stage[];
  readonly decoders: readonly Stage[];
  readonly model: BpeModel;
}

/** @throws ModelFileError: bad_metadata for what is no tokenizer, unsupported_tokenizer for another model than BPE */
export function parseHuggingFaceJson(json: JsonObject): HuggingFaceJson {
  return {
    path: json.where,
    addedTokens: (json.findArray('added_tokens') ?? []).map((token, i) => parseAddedToken(json.where, token, i)),
    normalizers: stagesOf(json, 'normalizer', 'normalizers'),
    preTokenizers: stagesOf(json, 'pre_tokenizer', 'pretokenizers'),
    postProcessors: stagesOf(json, 'post_processor', 'processors'),
    decoders: stagesOf(json, 'decoder', 'decoders'),
    model: parseModel(json),
  };
}

export function unsupported(path: string, what: string, options?: ErrorOptions): ModelFileError {
  const supported = 'byte-level BPE (Llama 3, Qwen2, SmolLM2) or BPE with byte fallback (Llama 2, Mistral)';
  const message = `${path}: ${what} is not supported; use a model with ${supported}, or its GGUF file`;
  return new ModelFileError(ModelFileErrorCode.UNSUPPORTED_TOKENIZER, message, options);
}

/** The stage that a key names; if it is a sequence, those within it. */
function stagesOf(json: JsonObject, key: string, members: string): Stage[] {
  const stage = json.findObject(key);
  if (stage === undefined) return [];
  if (stage.getString('type') !== 'Sequence') return [json.find(key) as Stage];
  return (stage.findArray(members) ?? []).flatMap((member, i) =>
    stagesOf(new JsonObject(`${stage.where}: ${members}`, { [i]: member }), `${i}`, members),
  );
}

function parseModel(json: JsonObject): BpeModel {
  const model = json.getObject('model');
  const type = model.findString('type') ?? guessType(model);
  if (type !== 'BPE') throw unsupported(json.where, `tokenizer model "${type}"`);
  for (const key of ['end_of_word_suffix', 'continuing_subword_prefix']) {
    if (model.findString(key)) throw unsupported(json.where, `BPE with ${key}`);
  }
  const vocab = model.getObject('vocab');
  for (const entry of vocab.keys) if (!isId(vocab.find(entry))) throw vocab.badType(entry, 'a token id');
  if (!model.findArray('merges')?.every(isMerge)) throw model.badType('merges', 'an array of pairs');
  return { ...(json.find('model') as BpeModel), type };
}

/** Files of 2020 do not say what their model is. */
function guessType(model: JsonObject): string {
  if (Array.isArray(model.find('vocab'))) return 'Unigram';
  return model.has('merges') ? 'BPE' : 'WordPiece';
}

function parseAddedToken(path: string, value: unknown, i: number): AddedToken {
  const token = JsonObject.of(`${path}: added_tokens[${i}]`, value);
  const content = token.getString('content');
  const id = token.getNumber('id');
  if (!isId(id)) throw token.badType('id', 'a token id');
  if (token.findBoolean('single_word')) throw unsupported(path, `added token "${content}" with single_word`);
  return { ...(value as object), id, content, special: token.findBoolean('special') ?? false };
}

export function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** `left right`, or both in an array. */
function isMerge(value: unknown): boolean {
  const pair: unknown = typeof value === 'string' ? value.split(' ') : value;
  return Array.isArray(pair) && pair.length === 2 && pair.every((symbol) => typeof symbol === 'string');
}
