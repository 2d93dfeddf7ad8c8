import type { Ops } from '../kernels/ops.js';

/** `auto` takes the best that is present. */
export const BackendName = { AUTO: 'auto', GPU: 'gpu', NODE: 'node', WASM: 'wasm' } as const;
export type BackendName = (typeof BackendName)[keyof typeof BackendName];

/** What computes, and what it can hold. Structured-cloneable. */
export interface BackendInfo {
  readonly name: Exclude<BackendName, 'auto'>;
  /** Whether tensors live on a GPU. */
  readonly gpu: boolean;
  /** Bytes of tensors that it can hold. */
  readonly capacityBytes: number;
  /** Times that it holds a weight matrix: its own copy, packed for its products, counts. */
  readonly weightCopies: number;
  /** What a person should know about the choice. */
  readonly notice: string | null;
}

export interface Backend {
  readonly info: BackendInfo;
  createOps(rmsEps: number): Ops;
}
