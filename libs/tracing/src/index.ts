export { eventBatch, sliceBatch } from './batch.js';
export type { EventBatch, SliceBatch } from './batch.js';
export { now } from './clock.js';
export { ContextHeader, recordCarrier } from './context-carrier.js';
export type { ContextCarrier } from './context-carrier.js';
export { initTracing } from './init-tracing.js';
export type { Tracing, TracingOptions } from './init-tracing.js';
export { AttributeName, EventName, LinkKind, SLICE_LEVEL, SliceName } from './names.js';
export { NULL_TRACE } from './null-trace.js';
export type {
  AttributeValue,
  EventOptions,
  FinishOptions,
  PastSliceOptions,
  RequestTrace,
  SliceEndOptions,
  SliceStartOptions,
  TraceAttributes,
} from './request-trace.js';
export { requestTrace, resumeRequest, startRequest } from './requests.js';
export type { ResumeRequestOptions, StartRequestOptions } from './requests.js';
export { registerThread } from './thread.js';
export type { ThreadOptions, TraceThread } from './thread.js';
export { TraceLevel, TraceModule } from './trace-level.js';
