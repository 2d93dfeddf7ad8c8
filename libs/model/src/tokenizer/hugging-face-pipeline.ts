import type { BpePipelineJson } from './bpe-pipeline.js';
import { type HuggingFaceJson, type Stage, unsupported } from './hugging-face-json.js';
import { BLANK, crossesWords, WORD_SOURCE } from './sentence-piece.js';

const NORMALIZERS: ReadonlySet<string> = new Set(['Prepend', 'Replace', 'NFC', 'NFD', 'NFKC', 'NFKD']);

/** GPT-2's pattern, which a ByteLevel stage applies by itself. */
const GPT2_PATTERN = `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+`;
/** A blank before a text that does not begin with one. */
const PREFIX: Stage = { type: 'Replace', pattern: { Regex: '\\A([^ ])' }, content: ' $1' };

/**
 * The tokenizer.json for @huggingface/tokenizers, in terms that it computes as the original in Rust does. It takes \s and \d
 * of JavaScript within ByteLevel and Digits, but those of the original in a Split; it passes over `split` of
 * Metaspace and behaviors of Split. Special tokens around a prompt are not its business here.
 *
 * @throws ModelFileError (unsupported_tokenizer) for stages that would be computed otherwise
 */
export function toPipeline(json: HuggingFaceJson): BpePipelineJson {
  const { path, addedTokens, normalizers, preTokenizers, model } = json;
  for (const { type } of normalizers) {
    if (!NORMALIZERS.has(type)) throw unsupported(path, `normalizer "${type}"`);
  }
  const pretokenizers = preTokenizers.flatMap((stage) => mendPreTokenizer(path, stage));
  if (!isByteLevel(json) && wantsWords(json)) pretokenizers.push(isolate(WORD_SOURCE));
  return {
    added_tokens: addedTokens,
    normalizer: normalizers.length === 0 ? null : { type: 'Sequence', normalizers },
    pre_tokenizer: pretokenizers.length === 0 ? null : { type: 'Sequence', pretokenizers },
    model,
    post_processor: null,
    decoder: null,
  };
}

/** Whether entries are spelled in GPT-2's byte alphabet. */
export function isByteLevel({ preTokenizers, decoders }: HuggingFaceJson): boolean {
  return [...preTokenizers, ...decoders].some(({ type }) => type === 'ByteLevel');
}

function mendPreTokenizer(path: string, stage: Stage): Stage[] {
  switch (stage.type) {
    case 'ByteLevel': {
      const prefix = stage['add_prefix_space'] === true ? [PREFIX] : [];
      const split = stage['use_regex'] === false ? [] : [isolate(GPT2_PATTERN)];
      return [...prefix, ...split, { ...stage, add_prefix_space: false, use_regex: false }];
    }
    case 'Digits':
      return [isolate(stage['individual_digits'] === true ? '\\p{N}' : '\\p{N}+')];
    case 'Metaspace': {
      if ((stage['replacement'] ?? BLANK) !== BLANK) throw unsupported(path, 'Metaspace with another replacement');
      return [stage, ...(stage['split'] === false ? [] : [isolate(`${BLANK}[^${BLANK}]*|[^${BLANK}]+`)])];
    }
    case 'Split':
      // Isolated keeps what matches and what does not, each as a piece: inverted it is the same.
      if (stage['behavior'] === 'Isolated') return [{ ...stage, invert: false }];
      if (stage['behavior'] === 'Removed') return [stage];
      throw unsupported(path, `pre-tokenizer Split with behavior "${String(stage['behavior'])}"`);
    default:
      throw unsupported(path, `pre-tokenizer "${stage.type}"`);
  }
}

/**
 * Whether a prompt would be one piece though its words do not depend on each other: most SentencePiece vocabularies have no
 * entry that goes on after a word's end. Cut there, pieces are short, and those that come again are remembered.
 */
function wantsWords({ preTokenizers, model }: HuggingFaceJson): boolean {
  const isWhole = preTokenizers.every(({ type, split }) => type === 'Metaspace' && split === false);
  return isWhole && model['ignore_merges'] !== true && !Object.keys(model.vocab).some(crossesWords);
}

function isolate(source: string): Stage {
  return { type: 'Split', pattern: { Regex: source }, behavior: 'Isolated', invert: false };
}
