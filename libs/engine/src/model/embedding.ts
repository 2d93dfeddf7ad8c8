import type { ModelFile } from '@sliceway/model';
import { dequantizerOf, type Dequantizer } from './dequantize.js';

/** The token embedding, kept as the file has it: a step needs a few rows, not all as floats. */
export class Embedding {
  readonly #bytes: Uint8Array;
  readonly #rowBytes: number;
  readonly #dequantize: Dequantizer;
  readonly #hidden: number;

  constructor(file: ModelFile, name: string) {
    const tensor = file.tensors.get(name)!;
    this.#bytes = file.readTensor(tensor);
    this.#rowBytes = this.#bytes.length / tensor.shape[1]!;
    this.#dequantize = dequantizerOf(tensor.type, name);
    this.#hidden = tensor.shape[0]!;
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
