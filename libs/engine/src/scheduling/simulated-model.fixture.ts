import type { SampledToken, SamplingSpec } from '../sampling/sampling.js';
import type { ForwardBatch } from './forward-batch.js';

const START = 0x811c9dc5;

const mix = (hash: number, value: number): number => {
  const mixed = Math.imul(hash ^ (value + 1), 0x01000193);
  return (mixed ^ (mixed >>> 15)) >>> 0;
};

/** What the KV of each token is: a hash of all tokens up to it. */
export function kvOf(tokens: readonly number[]): number[] {
  let hash = START;
  return tokens.map((token) => (hash = mix(hash, token)));
}

/** Draws from [1, vocab] by all of the KV and by everything that the specification says. */
export function draw(kv: readonly number[], spec: SamplingSpec, vocab: number): SampledToken {
  const { seed, choice, index, penalties } = spec;
  let hash = [seed, choice, index, ...kv].reduce(mix, START);
  if (penalties) hash = [penalties.presence, ...penalties.prompt, -1, ...penalties.generated].reduce(mix, hash);
  let token: number;
  do token = 1 + (((hash = mix(hash, 0)) >>> 4) % vocab);
  while (spec.banned.includes(token));
  return { token, ...(spec.logprobs !== null && { logprobs: { logprob: -hash, top: [] } }) };
}

/**
 * A model whose KV lies in pages, as a real one's does, and whose tokens depend on all of it: whoever is given a wrong
 * page table, a page that somebody else writes, or a stale copy continues with another text.
 */
export class SimulatedModel {
  readonly #kv: Uint32Array;

  constructor(
    pages: number,
    private readonly pageTokens: number,
    private readonly vocab: number,
  ) {
    this.#kv = new Uint32Array(pages * pageTokens);
  }

  copyPage(from: number, to: number): void {
    const { pageTokens } = this;
    this.#kv.copyWithin(to * pageTokens, from * pageTokens, (from + 1) * pageTokens);
  }

  forward(batch: ForwardBatch): SampledToken[] {
    for (const { firstRow, tokens, position, pages } of batch.runs) {
      for (let t = 0; t < tokens; t++) {
        const at = position + t;
        const before = at === 0 ? START : this.#kv[this.#slot(pages, at - 1)]!;
        this.#kv[this.#slot(pages, at)] = mix(before, batch.tokenIds[firstRow + t]!);
      }
    }
    return batch.outputs.map(({ row, sampling }) => {
      const run = batch.runs.find(({ firstRow, tokens }) => row >= firstRow && row < firstRow + tokens)!;
      return draw(this.read(run.pages, run.position + row - run.firstRow + 1), sampling, this.vocab);
    });
  }

  read(pages: ArrayLike<number>, tokens: number): number[] {
    return Array.from({ length: tokens }, (_, at) => this.#kv[this.#slot(pages, at)]!);
  }

  /** Fills slots [from, to) with KV from elsewhere. */
  write(pages: ArrayLike<number>, kv: readonly number[], from: number, to: number): void {
    for (let at = from; at < to; at++) this.#kv[this.#slot(pages, at)] = kv[at]!;
  }

  #slot(pages: ArrayLike<number>, at: number): number {
    const page = pages[Math.floor(at / this.pageTokens)];
    if (page === undefined) throw new Error(`position ${at} is in none of ${pages.length} pages`);
    return page * this.pageTokens + (at % this.pageTokens);
  }
}
