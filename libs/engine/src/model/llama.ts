import { matMul, tensor2d, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import type { Attention } from '../kernels/attention.js';
import type { Ops } from '../kernels/ops.js';
import type { ForwardBatch } from '../scheduling/forward-batch.js';
import type { LlamaConfig } from './llama-config.js';
import type { LayerWeights, LlamaWeights } from './weights.js';

/** Called when a layer's KV of the batch is complete. */
export type LayerListener = (layer: number) => void;

/** The forward of a Llama-family model over a ragged batch. */
export class Llama {
  constructor(
    readonly config: LlamaConfig,
    private readonly weights: LlamaWeights,
    private readonly ops: Ops,
    private readonly attention: Attention,
  ) {}

  /**
   * Computes the batch's KV into its pages and the logits of the rows that it wants sampled.
   * @returns [outputs, vocab], to be disposed by the caller; undefined when the batch has no outputs
   */
  forward(batch: ForwardBatch, onLayer?: LayerListener): Tensor | undefined {
    const { layers, outputNorm, embedding } = this.weights;
    this.attention.begin(batch);
    let x: Tensor = tensor2d(embedding.rows(batch.tokenIds), [batch.tokenIds.length, this.config.hidden]);
    let normed = this.ops.rmsNorm(x, layers[0]!.attentionNorm);
    for (let l = 0; l < layers.length; l++) {
      const layer = layers[l]!;
      const qkv = product(normed, layer.qkv);
      const attended = this.attention.layer(qkv, l);
      qkv.dispose();
      onLayer?.(l);
      ({ sum: x, normed } = this.ops.addRmsNorm(x, product(attended, layer.attentionOut), layer.ffnNorm));
      const delta = this.#feedForward(normed, layer);
      ({ sum: x, normed } = this.ops.addRmsNorm(x, delta, layers[l + 1]?.attentionNorm ?? outputNorm));
    }
    x.dispose();
    return this.#logits(normed, batch);
  }

  #feedForward(normed: Tensor, layer: LayerWeights): Tensor {
    const gateUp = product(normed, layer.gateUp);
    const activated = this.ops.siluMul(gateUp);
    gateUp.dispose();
    return product(activated, layer.down);
  }

  #logits(normed: Tensor, batch: ForwardBatch): Tensor | undefined {
    const rows = Int32Array.from(batch.outputs, (output) => output.row);
    if (rows.length === 0) {
      normed.dispose();
      return undefined;
    }
    const wanted = this.ops.rows(normed, rows);
    normed.dispose();
    return product(wanted, this.weights.head);
  }
}

/** a × b; a is used up. */
function product(a: Tensor, b: Tensor2D): Tensor {
  const out = matMul(a as Tensor2D, b);
  a.dispose();
  return out;
}
