import { EngineError } from '../errors.js';
import { pageBlockBytes, type KvFormat } from './kv-format.js';

const WASM_PAGE_BYTES = 65_536;
const MAX_WASM_PAGES = 65_536;

/** Where things lie in the memory: scratch of the kernels first, then per layer all pages. */
export interface KvGeometry {
  readonly pages: number;
  readonly blockBytes: number;
  /** Byte offset of layer 0's first page. */
  readonly base: number;
  readonly layerBytes: number;
}

/** A range of a sequence's KV: layers [from, to), tokens [from, to). Tokens begin on a page. */
export interface KvSegment {
  readonly layerFrom: number;
  readonly layerTo: number;
  readonly tokenFrom: number;
  readonly tokenTo: number;
}

/**
 * KV pages in memory that all threads of a process share: the engine thread computes in it, the serving thread sends
 * from it and receives into it, without a copy between them.
 */
export class KvMemory {
  readonly memory: WebAssembly.Memory;
  readonly geometry: KvGeometry;

  /**
   * @param scratchBytes room for the kernels' inputs, outputs and tables
   * @throws EngineError (out_of_memory) when it does not fit into WebAssembly's 4 GiB
   */
  constructor(
    readonly format: KvFormat,
    pages: number,
    scratchBytes: number,
  ) {
    const blockBytes = pageBlockBytes(format);
    const base = Math.ceil(scratchBytes / WASM_PAGE_BYTES) * WASM_PAGE_BYTES;
    const layers = format.layers[1] - format.layers[0];
    const layerBytes = pages * blockBytes;
    const size = Math.ceil((base + layers * layerBytes) / WASM_PAGE_BYTES);
    if (size > MAX_WASM_PAGES) {
      throw new EngineError(
        'out_of_memory',
        `${pages} KV pages and the scratch of attention need ${(size / 16_384).toFixed(2)} GiB, the memory holds 4 GiB: use a smaller kvMemoryMb (SLICEWAY_KV_MEMORY_MB)`,
      );
    }
    this.geometry = { pages, blockBytes, base, layerBytes };
    this.memory = new WebAssembly.Memory({ shared: true, initial: size, maximum: size });
  }

  /** Views of a segment's page blocks: layer by layer, page by page. */
  views(pages: readonly number[], segment: KvSegment): Uint8Array[] {
    const { base, layerBytes, blockBytes } = this.geometry;
    const { pageTokens } = this.format;
    const first = segment.tokenFrom / pageTokens;
    const last = Math.ceil(segment.tokenTo / pageTokens);
    const out: Uint8Array[] = [];
    for (let layer = segment.layerFrom; layer < segment.layerTo; layer++) {
      for (let p = first; p < last; p++) {
        out.push(new Uint8Array(this.memory.buffer, base + layer * layerBytes + pages[p]! * blockBytes, blockBytes));
      }
    }
    return out;
  }

  /** Copies one page into another, all layers. */
  copyPage(from: number, to: number): void {
    const { base, layerBytes, blockBytes } = this.geometry;
    const bytes = new Uint8Array(this.memory.buffer);
    for (let layer = 0, at = base; layer < this.format.layers[1] - this.format.layers[0]; layer++, at += layerBytes) {
      bytes.copyWithin(at + to * blockBytes, at + from * blockBytes, at + (from + 1) * blockBytes);
    }
  }
}
