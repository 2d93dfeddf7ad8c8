import { Tokenizer as Pipeline } from '@huggingface/tokenizers';
import { mergeSymbols } from './merge-symbols.js';
import { PieceCache } from './piece-cache.js';

/** A tokenizer.json with a BPE model. */
export interface BpePipelineJson extends Readonly<Record<string, unknown>> {
  readonly model: BpeModel;
}

export interface BpeModel extends Readonly<Record<string, unknown>> {
  readonly vocab: Readonly<Record<string, number>>;
  /** `left right`, or both in an array; best first. */
  readonly merges: readonly (string | readonly [string, string])[];
}

/**
 * Makes Hugging Face's pipeline, but for merging symbols: @huggingface/tokenizers 0.2.0 takes about a second for a word of
 * 100,000 characters, ten times as long as this.
 *
 * @throws Error for stages and patterns that the library does not know
 */
export function createBpePipeline(json: BpePipelineJson): Pipeline {
  const { merges, ...model } = json.model;
  const pipeline = new Pipeline({ ...json, model: { ...model, merges: [] } }, {});
  // Its BPE model calls this for each piece; the package does not export the type.
  (pipeline.model as unknown as { bpe: (word: string) => string[] }).bpe = createSplitter(merges);
  return pipeline;
}

function createSplitter(merges: BpeModel['merges']): (word: string) => string[] {
  const ranks = new Map<string, number>();
  let maxLength = 0;
  merges.forEach((merge, rank) => {
    const [left = '', right = ''] = typeof merge === 'string' ? merge.split(' ', 2) : merge;
    ranks.set(`${left.length} ${left}${right}`, rank);
    maxLength = Math.max(maxLength, left.length + right.length);
  });
  const rankOf = (text: string, start: number, middle: number, end: number): number | null =>
    end - start > maxLength ? null : (ranks.get(`${middle - start} ${text.slice(start, end)}`) ?? null);

  const symbolsOfWord = new PieceCache((word) => mergeSymbols(word, rankOf));
  return (word) => symbolsOfWord.get(word);
}
