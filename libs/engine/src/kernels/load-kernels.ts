import { readFileSync } from 'node:fs';

/** Arguments that name data are byte offsets into the memory. */
export interface ElementwiseKernels {
  rmsNorm(x: number, weight: number, out: number, rows: number, width: number, eps: number): void;
  addRmsNorm(x: number, delta: number, weight: number, out: number, rows: number, width: number, eps: number): void;
  addBias(x: number, bias: number, rows: number, width: number): void;
  siluMul(gateUp: number, out: number, rows: number, width: number): void;
}

export interface AttentionKernels {
  ropeAppend(
    qkv: number,
    cosSin: number,
    sequences: number,
    sequenceCount: number,
    layer: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    pageTokens: number,
  ): void;
  attend(
    qkv: number,
    out: number,
    sequences: number,
    sequenceCount: number,
    layer: number,
    heads: number,
    kvHeads: number,
    headDim: number,
    pageTokens: number,
    rows: number,
    scores: number,
    scoreBytes: number,
  ): void;
}

function load(name: string, memory: WebAssembly.Memory): WebAssembly.Exports {
  const module = new WebAssembly.Module(readFileSync(new URL(`./${name}.wasm`, import.meta.url)));
  return new WebAssembly.Instance(module, { env: { memory } }).exports;
}

/** Kernels over rows of tensors, inside the backend's own memory. */
export function loadElementwiseKernels(memory: WebAssembly.Memory): ElementwiseKernels {
  return load('elementwise', memory) as unknown as ElementwiseKernels;
}

/** Kernels over KV pages, inside the memory that threads share. */
export function loadAttentionKernels(memory: WebAssembly.Memory): AttentionKernels {
  return load('attention', memory) as unknown as AttentionKernels;
}
