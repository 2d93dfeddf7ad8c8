import type { BackendInfo, BackendName } from '../backend/backend.js';
import type { NativeBackendErrorCode } from '../backend/native-backend-error.js';
import type { ForwardBatch, ForwardResult } from '../scheduling/forward-batch.js';
import type { RunnerOptions } from './model-runner.js';

/** What the engine thread begins with. */
export interface RunnerThreadData {
  readonly backend: BackendName;
  readonly nativeDirectory: string | undefined;
}

/** Serving thread to engine thread. */
export type ToRunner =
  | { readonly type: 'load'; readonly options: RunnerOptions; readonly layers: number }
  | { readonly type: 'run'; readonly batch: ForwardBatch };

/** Engine thread to serving thread. */
export type FromRunner =
  | { readonly type: 'backend'; readonly info: BackendInfo }
  | { readonly type: 'no_backend'; readonly code: NativeBackendErrorCode; readonly message: string }
  | { readonly type: 'loading'; readonly fraction: number }
  | { readonly type: 'ready' }
  | { readonly type: 'layers'; readonly bid: number; readonly from: number; readonly to: number }
  | { readonly type: 'result'; readonly result: ForwardResult }
  | { readonly type: 'failed'; readonly bid: number; readonly message: string };
