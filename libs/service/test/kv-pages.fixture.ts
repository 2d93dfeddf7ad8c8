import type { KvFormat } from '@sliceway/protocol';
import type { KvSegment, KvSink, KvSource } from '@sliceway/service';

const LAYERS = 4;

export const KV_FORMAT: KvFormat = {
  engine: 'test',
  dtype: 'f32',
  pageTokens: 16,
  layers: [0, LAYERS],
  kvHeads: [0, 2],
  headDim: 64,
  layout: 'opaque',
  fingerprint: 'f00d',
};
/** Large against a frame, so that a few pages already make many frames. */
export const PAGE_BLOCK_BYTES = 100_000;

/** One prompt's pages in one process: a source on prefill, a sink on decode. */
export class KvPages implements KvSource, KvSink {
  readonly bytes: Uint8Array;
  /** Called before a segment is taken. */
  onWrite: (segment: KvSegment) => void = () => {};
  isGone = false;
  writes = 0;

  constructor(readonly pages: number) {
    this.bytes = new Uint8Array(LAYERS * pages * PAGE_BLOCK_BYTES);
  }

  /** Pages that are all different, and different for each seed. */
  static filled(pages: number, seed = 1): KvPages {
    const filled = new KvPages(pages);
    const words = new Uint32Array(filled.bytes.buffer);
    for (let i = 0, state = seed; i < words.length; i++)
      words[i] = state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return filled;
  }

  /** The tokens of some pages, in all layers. */
  segment(pageFrom: number, pageTo: number): KvSegment {
    return {
      layerFrom: 0,
      layerTo: LAYERS,
      tokenFrom: pageFrom * KV_FORMAT.pageTokens,
      tokenTo: pageTo * KV_FORMAT.pageTokens,
    };
  }

  read(segment: KvSegment): Uint8Array[] | undefined {
    return this.isGone ? undefined : this.#blocks(segment);
  }

  write(segment: KvSegment, payload: Uint8Array): boolean {
    if (this.isGone) return false;
    this.onWrite(segment);
    const blocks = this.#blocks(segment);
    if (payload.length !== blocks.length * PAGE_BLOCK_BYTES)
      throw new RangeError(`${payload.length} bytes for ${blocks.length} blocks`);
    blocks.forEach((block, i) => block.set(payload.subarray(i * PAGE_BLOCK_BYTES, (i + 1) * PAGE_BLOCK_BYTES)));
    this.writes++;
    return true;
  }

  #blocks({ layerFrom, layerTo, tokenFrom, tokenTo }: KvSegment): Uint8Array[] {
    const blocks: Uint8Array[] = [];
    for (let layer = layerFrom; layer < layerTo; layer++) {
      for (let page = tokenFrom / KV_FORMAT.pageTokens; page < Math.ceil(tokenTo / KV_FORMAT.pageTokens); page++) {
        const at = (layer * this.pages + page) * PAGE_BLOCK_BYTES;
        blocks.push(this.bytes.subarray(at, at + PAGE_BLOCK_BYTES));
      }
    }
    return blocks;
  }
}
