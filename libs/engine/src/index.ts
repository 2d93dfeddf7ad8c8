export { BackendName } from './backend/backend.js';
export { NativeBackendError } from './backend/native-module.js';
export { EngineError, EngineErrorCode } from './errors.js';
export { kvFormatMismatch, pageBlockBytes, type KvFormat } from './kv/kv-format.js';
export type { KvSegment } from './kv/kv-memory.js';
export { LocalEngine, type GenerateChunk, type GenerateParams, type Prompt } from './local-engine.js';
export { NULL_OBSERVER, type EngineObserver, type GenerateObserver } from './observer.js';
export type { SampledToken, TokenLogprobs } from './sampling/sampling.js';
export { GREEDY, type SamplingParams } from './sampling/sampling-params.js';
export type { ForwardBatch, ForwardResult, OutputRow, TokenRun } from './scheduling/forward-batch.js';
export type { QueueAhead } from './scheduling/roster.js';
export type { ScheduledBatch, SchedulerLoad } from './scheduling/scheduler.js';
export {
  FinishReason,
  SequenceKind,
  type Sequence,
  type SequenceRequest,
  type TokenEvent,
} from './scheduling/sequence.js';
export type { EngineOptions } from './engine-options.js';
export { startEngine } from './start-engine.js';
export type { EngineInfo, EngineListener, EngineLoad, EngineWorker, StepOutput } from './worker/engine-worker.js';
