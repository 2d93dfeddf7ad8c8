import type { TokenRun } from '../scheduling/forward-batch.js';
import type { AttentionOptions } from './attention.js';

/** Reads and writes KV pages token by token. One block: K [kvHead][headDim][pageTokens], then V [kvHead][pageTokens][headDim]. */
export class KvPages {
  readonly #floats: Float32Array;

  constructor(private readonly options: AttentionOptions) {
    this.#floats = new Float32Array(options.memory.buffer);
  }

  /** The first `tokens` tokens of a layer, k and v as [kvHeads, tokens, headDim]. */
  read(layer: number, pages: Int32Array, tokens: number): { k: Float32Array; v: Float32Array } {
    const { kvHeads, headDim } = this.options.shape;
    const { pageTokens } = this.options.limits;
    const k = new Float32Array(kvHeads * tokens * headDim);
    const v = new Float32Array(kvHeads * tokens * headDim);
    for (let t = 0; t < tokens; t++) {
      const { kAt, vAt } = this.#slot(layer, pages, t);
      for (let h = 0; h < kvHeads; h++) {
        const to = (h * tokens + t) * headDim;
        const from = h * headDim * pageTokens;
        for (let d = 0; d < headDim; d++) k[to + d] = this.#floats[kAt + from + d * pageTokens]!;
        v.set(this.#floats.subarray(vAt + from, vAt + from + headDim), to);
      }
    }
    return { k, v };
  }

  /** Writes the rows of a batch. @param kv [tokens, k of all KV heads | v of all KV heads] */
  write(layer: number, runs: readonly TokenRun[], kv: Float32Array): void {
    const { kvHeads, headDim } = this.options.shape;
    const { pageTokens } = this.options.limits;
    const width = kvHeads * headDim;
    for (const { firstRow, tokens, position, pages } of runs) {
      for (let t = 0; t < tokens; t++) {
        const { kAt, vAt } = this.#slot(layer, pages, position + t);
        const row = (firstRow + t) * 2 * width;
        for (let i = 0; i < width; i++) this.#floats[kAt + i * pageTokens] = kv[row + i]!;
        for (let h = 0; h < kvHeads; h++) {
          const from = row + width + h * headDim;
          this.#floats.set(kv.subarray(from, from + headDim), vAt + h * headDim * pageTokens);
        }
      }
    }
  }

  /** Where a token's values begin, in floats: its column of K, its row of V. */
  #slot(layer: number, pages: Int32Array, token: number): { kAt: number; vAt: number } {
    const { geometry, limits, shape } = this.options;
    const { pageTokens } = limits;
    const page = pages[Math.floor(token / pageTokens)]!;
    const block = (geometry.base + layer * geometry.layerBytes + page * geometry.blockBytes) / 4;
    const slot = token % pageTokens;
    return { kAt: block + slot, vAt: block + shape.kvHeads * shape.headDim * pageTokens + slot * shape.headDim };
  }
}
