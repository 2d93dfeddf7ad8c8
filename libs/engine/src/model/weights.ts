import { tensor1d, tensor2d, type Tensor1D, type Tensor2D } from '@tensorflow/tfjs-core';
import type { ModelFile } from '@sliceway/model';
import { Embedding } from './embedding.js';
import { ropeOf, type Rope } from './rope.js';
import { readTransposed, readVector, type TransposedPart } from './tensor-reader.js';
import { layerSpecs, outerSpecs, type TensorSpec } from './tensor-specs.js';

/** One layer: every matrix is [in, out]; q/k/v lie side by side, so do gate and up. */
export interface LayerWeights {
  readonly attentionNorm: Tensor1D;
  readonly qkv: Tensor2D;
  readonly qkvBias: Tensor1D | null;
  readonly attentionOut: Tensor2D;
  readonly attentionOutBias: Tensor1D | null;
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
 * Loads all weights of a checked model into the current tfjs backend as f32.
 * @param onProgress called with the fraction done, 0 to 1, after each layer
 */
export function loadWeights(file: ModelFile, onProgress: (fraction: number) => void): LlamaWeights {
  const { config } = file;
  const outer = outerSpecs(config);
  const layers: LayerWeights[] = [];
  for (let l = 0; l < config.layers; l++) {
    layers.push(loadLayer(file, l));
    onProgress((l + 1) / (config.layers + 2));
  }
  const head = matrix(file, [{ spec: file.tensors.has(outer.head.name) ? outer.head : outer.embedding }]);
  onProgress(1);
  return {
    embedding: new Embedding(file, outer.embedding.name),
    layers,
    outputNorm: tensor1d(readVector(file, outer.outputNorm)),
    head,
  };
}

/** How the model turns q and k; a file may carry factors of the frequencies. */
export function loadRope(file: ModelFile): Rope {
  const { ropeFactors } = outerSpecs(file.config);
  return ropeOf(file.config, file.tensors.has(ropeFactors.name) ? readVector(file, ropeFactors) : undefined);
}

function loadLayer(file: ModelFile, layer: number): LayerWeights {
  const { config } = file;
  const spec = layerSpecs(config, layer);
  const place = config.ropeInterleaved ? halvesOf(config.headDim) : undefined;
  return {
    attentionNorm: tensor1d(readVector(file, spec.attentionNorm)),
    qkv: matrix(file, [{ spec: spec.q, place }, { spec: spec.k, place }, { spec: spec.v }]),
    qkvBias: bias(file, [{ spec: spec.qBias, place }, { spec: spec.kBias, place }, { spec: spec.vBias }]),
    attentionOut: matrix(file, [{ spec: spec.attentionOut }]),
    attentionOutBias: bias(file, [{ spec: spec.attentionOutBias }]),
    ffnNorm: tensor1d(readVector(file, spec.ffnNorm)),
    gateUp: matrix(file, [{ spec: spec.gate }, { spec: spec.up }]),
    down: matrix(file, [{ spec: spec.down }]),
  };
}

function matrix(file: ModelFile, parts: TransposedPart[]): Tensor2D {
  const columns = parts.reduce((sum, { spec }) => sum + spec.shape[1]!, 0);
  return tensor2d(readTransposed(file, parts), [parts[0]!.spec.shape[0]!, columns]);
}

/** Biases side by side, zero where one is missing; null when all are. */
function bias(file: ModelFile, parts: TransposedPart[]): Tensor1D | null {
  if (!parts.some(({ spec }) => file.tensors.has(spec.name))) return null;
  const out = new Float32Array(parts.reduce((sum, { spec }) => sum + spec.shape[0]!, 0));
  let first = 0;
  for (const { spec, place } of parts) {
    if (file.tensors.has(spec.name)) {
      readVector(file, spec).forEach((value, i) => (out[first + (place ? place(i) : i)] = value));
    }
    first += spec.shape[0]!;
  }
  return tensor1d(out);
}

/**
 * GGUF interleaves the two halves of each rotated head of a Llama (rows 2i and 2i+1 are a pair); attention rotates
 * d with d + headDim/2, so the halves are put back in place.
 */
function halvesOf(headDim: number): (row: number) => number {
  return (row) => {
    const head = row - (row % headDim);
    const d = row % headDim;
    return head + (d & 1) * (headDim / 2) + (d >> 1);
  };
}

/** Floats of all weight matrices, and bytes of the embedding as the file has it. */
export function weightSizes(file: ModelFile): { readonly floats: number; readonly embeddingBytes: number } {
  const { embedding, head } = outerSpecs(file.config);
  const count = ({ shape }: TensorSpec): number => shape.reduce((product, size) => product * size, 1);
  let floats = count(head);
  for (const name of file.tensors.keys()) {
    if (name !== head.name && name !== embedding.name) floats += count({ name, shape: file.tensors.get(name)!.shape });
  }
  return { floats, embeddingBytes: file.tensors.get(embedding.name)!.byteLength };
}
