import { matMul, tensor2d, tidy, type Tensor, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import type { Attention } from '../kernels/attention.js';
import type { Ops } from '../kernels/ops.js';
import type { ForwardBatch } from '../scheduling/forward-batch.js';
import type { LayerWeights, LlamaWeights } from './weights.js';

/** Called when a layer's KV of the batch is complete. */
export type LayerListener = (layer: number) => void;

/** The forward of a Llama-family model over a ragged batch. */
export class Llama {
  constructor(
    private readonly weights: LlamaWeights,
    private readonly ops: Ops,
    private readonly attention: Attention,
  ) {}

  /**
   * Computes the batch's KV into its pages and the logits of the rows that it wants sampled.
   * @returns [outputs, vocab], to be disposed by the caller; undefined when the batch has no outputs
   */
  forward(batch: ForwardBatch, onLayer?: LayerListener): Tensor | undefined {
    // Nothing is left of a forward that throws.
    return tidy(() => this.#forward(batch, onLayer));
  }

  #forward(batch: ForwardBatch, onLayer?: LayerListener): Tensor | undefined {
    const { layers, outputNorm, embedding } = this.weights;
    const tokens = batch.tokenIds.length;
    this.attention.begin(batch);
    const embedded = embedding.rows(batch.tokenIds);
    let x: Tensor = tensor2d(embedded, [tokens, embedded.length / tokens]);
    let normed = this.ops.rmsNorm(x, layers[0]!.attentionNorm);
    for (let l = 0; l < layers.length; l++) {
      const layer = layers[l]!;
      const qkv = this.#product(normed, layer.qkv, layer.qkvBias);
      const attended = this.attention.layer(qkv, l);
      qkv.dispose();
      onLayer?.(l);
      const attentionOut = this.#product(attended, layer.attentionOut, layer.attentionOutBias);
      ({ sum: x, normed } = this.ops.addRmsNorm(x, attentionOut, layer.ffnNorm));
      const delta = this.#feedForward(normed, layer);
      ({ sum: x, normed } = this.ops.addRmsNorm(x, delta, layers[l + 1]?.attentionNorm ?? outputNorm));
    }
    this.attention.end();
    x.dispose();
    return this.#logits(normed, batch);
  }

  #feedForward(normed: Tensor, layer: LayerWeights): Tensor {
    const gateUp = this.#product(normed, layer.gateUp);
    const activated = this.ops.siluMul(gateUp);
    gateUp.dispose();
    return this.#product(activated, layer.down);
  }

  #logits(normed: Tensor, batch: ForwardBatch): Tensor | undefined {
    const rows = Int32Array.from(batch.outputs, (output) => output.row);
    if (rows.length === 0) {
      normed.dispose();
      return undefined;
    }
    const wanted = this.ops.rows(normed, rows);
    normed.dispose();
    return this.#product(wanted, this.weights.head);
  }

  /** a × b + bias; a is used up. */
  #product(a: Tensor, b: Tensor2D, bias: Tensor1D | null = null): Tensor {
    const out = matMul(a as Tensor2D, b);
    a.dispose();
    return bias ? this.ops.addBias(out, bias) : out;
  }
}
