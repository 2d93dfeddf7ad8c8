import type { ModelConfig } from '@sliceway/model';

/** A tensor that a model may have: GGUF's name, ggml's order ([in, out] of a matrix). */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly optional?: true;
}

/** The tensors of one layer. */
export function layerSpecs({ hidden, heads, kvHeads, headDim, ffn }: ModelConfig, layer: number) {
  const spec = (part: string, ...shape: number[]): TensorSpec => ({ name: `blk.${layer}.${part}`, shape });
  const bias = (part: string, width: number): TensorSpec => ({ ...spec(`${part}.bias`, width), optional: true });
  const [query, keys] = [heads * headDim, kvHeads * headDim];
  return {
    attentionNorm: spec('attn_norm.weight', hidden),
    q: spec('attn_q.weight', hidden, query),
    k: spec('attn_k.weight', hidden, keys),
    v: spec('attn_v.weight', hidden, keys),
    qBias: bias('attn_q', query),
    kBias: bias('attn_k', keys),
    vBias: bias('attn_v', keys),
    attentionOut: spec('attn_output.weight', query, hidden),
    attentionOutBias: bias('attn_output', hidden),
    ffnNorm: spec('ffn_norm.weight', hidden),
    gate: spec('ffn_gate.weight', hidden, ffn),
    up: spec('ffn_up.weight', hidden, ffn),
    down: spec('ffn_down.weight', ffn, hidden),
  };
}

/** The tensors beside the layers. Without `head` the embedding is the head, too. */
export function outerSpecs({ hidden, vocabSize, headDim }: ModelConfig) {
  return {
    embedding: { name: 'token_embd.weight', shape: [hidden, vocabSize] },
    outputNorm: { name: 'output_norm.weight', shape: [hidden] },
    head: { name: 'output.weight', shape: [hidden, vocabSize], optional: true },
    ropeFactors: { name: 'rope_freqs.weight', shape: [headDim / 2], optional: true },
  } satisfies Record<string, TensorSpec>;
}

export function allSpecs(config: ModelConfig): TensorSpec[] {
  const layers = Array.from({ length: config.layers }, (_, layer) => Object.values(layerSpecs(config, layer)));
  return [...Object.values(outerSpecs(config)), ...layers.flat()];
}
