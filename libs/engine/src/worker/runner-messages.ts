import type { ForwardBatch, ForwardResult } from '../scheduling/forward-batch.js';

/** Serving thread to engine thread. */
export interface ToRunner {
  readonly type: 'run';
  readonly batch: ForwardBatch;
}

/** Engine thread to serving thread. */
export type FromRunner =
  | { readonly type: 'loading'; readonly fraction: number }
  | { readonly type: 'ready' }
  | { readonly type: 'layers'; readonly bid: number; readonly from: number; readonly to: number }
  | { readonly type: 'result'; readonly result: ForwardResult }
  | { readonly type: 'failed'; readonly bid: number; readonly message: string };
