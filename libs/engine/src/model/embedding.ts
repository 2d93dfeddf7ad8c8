import type { GgufFile } from '@sliceway/model';
import { dequantizerOf, type Dequantizer } from './dequantize.js';
import { findTensor } from './tensor-reader.js';

/** The token embedding, kept as the file has it: a step needs a few rows, not all as floats. */
export class Embedding {
  readonly #bytes: Uint8Array;
  readonly #rowBytes: number;
  readonly #dequantize: Dequantizer;
  readonly #hidden: number;

  constructor(file: GgufFile, hidden: number, vocabSize: number) {
    const tensor = findTensor(file, 'token_embd.weight', [hidden, vocabSize]);
    this.#bytes = file.readTensor(tensor);
    this.#rowBytes = this.#bytes.length / vocabSize;
    this.#dequantize = dequantizerOf(tensor.type, tensor.name);
    this.#hidden = hidden;
  }

  /** Rows [tokens, hidden] of the given ids. */
  rows(tokenIds: Int32Array): Float32Array {
    const out = new Float32Array(tokenIds.length * this.#hidden);
    for (let t = 0; t < tokenIds.length; t++) {
      this.#dequantize(this.#bytes, tokenIds[t]! * this.#rowBytes, out, t * this.#hidden, this.#hidden);
    }
    return out;
  }
}
