import { tensor1d, tensor2d, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import type { GgufFile } from '@sliceway/model';
import { Embedding } from './embedding.js';
import type { LlamaConfig } from './llama-config.js';
import { readTransposed, readVector, type TransposedPart } from './tensor-reader.js';

/** One layer: every matrix is [in, out]; q/k/v lie side by side, so do gate and up. */
export interface LayerWeights {
  readonly attentionNorm: Tensor1D;
  readonly qkv: Tensor2D;
  readonly attentionOut: Tensor2D;
  readonly ffnNorm: Tensor1D;
  readonly gateUp: Tensor2D;
  readonly down: Tensor2D;
}

export interface LlamaWeights {
  readonly embedding: Embedding;
  readonly layers: readonly LayerWeights[];
  readonly outputNorm: Tensor1D;
  readonly head: Tensor2D;
}

/**
 * Loads all weights of a GGUF into the current tfjs backend as f32.
 * @param onProgress called with the fraction done, 0 to 1, after each layer
 */
export function loadWeights(file: GgufFile, config: LlamaConfig, onProgress: (fraction: number) => void): LlamaWeights {
  const { hidden, ffn, heads, kvHeads, headDim, vocabSize } = config;
  const vector = (name: string): Tensor1D => tensor1d(readVector(file, name, hidden));
  const matrix = (inputs: number, parts: TransposedPart[]): Tensor2D =>
    tensor2d(readTransposed(file, inputs, parts), [inputs, parts.reduce((sum, part) => sum + part.columns, 0)]);
  const rotated = (name: string, count: number): TransposedPart => ({
    name,
    columns: count * headDim,
    place: halvesOf(headDim),
  });

  const layers: LayerWeights[] = [];
  for (let l = 0; l < config.layers; l++) {
    const name = (part: string): string => `blk.${l}.${part}.weight`;
    layers.push({
      attentionNorm: vector(name('attn_norm')),
      qkv: matrix(hidden, [
        rotated(name('attn_q'), heads),
        rotated(name('attn_k'), kvHeads),
        { name: name('attn_v'), columns: kvHeads * headDim },
      ]),
      attentionOut: matrix(heads * headDim, [{ name: name('attn_output'), columns: hidden }]),
      ffnNorm: vector(name('ffn_norm')),
      gateUp: matrix(hidden, [
        { name: name('ffn_gate'), columns: ffn },
        { name: name('ffn_up'), columns: ffn },
      ]),
      down: matrix(ffn, [{ name: name('ffn_down'), columns: hidden }]),
    });
    onProgress((l + 1) / (config.layers + 2));
  }
  const headName = file.tensors.has('output.weight') ? 'output.weight' : 'token_embd.weight';
  const head = matrix(hidden, [{ name: headName, columns: vocabSize }]);
  onProgress(1);
  return { embedding: new Embedding(file, hidden, vocabSize), layers, outputNorm: vector('output_norm.weight'), head };
}

/**
 * GGUF interleaves the two halves of each rotated head of a Llama (rows 2i and 2i+1 are a pair); the kernel rotates
 * d with d + headDim/2, so the halves are put back in place.
 */
function halvesOf(headDim: number): (row: number) => number {
  return (row) => {
    const head = row - (row % headDim);
    const d = row % headDim;
    return head + (d & 1) * (headDim / 2) + (d >> 1);
  };
}
