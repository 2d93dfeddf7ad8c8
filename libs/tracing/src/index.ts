export { criticalPath } from './analysis/critical-path.js';
export type { CriticalPath } from './analysis/critical-path.js';
export { readJaegerTrace } from './analysis/read-jaeger-trace.js';
export { readOtlpJson } from './analysis/read-otlp-json.js';
export { renderTree } from './analysis/render-tree.js';
export type { RenderTreeOptions } from './analysis/render-tree.js';
export { isHop, UNATTRIBUTED } from './analysis/segment.js';
export type { Segment } from './analysis/segment.js';
export { roleOfSlice, SLICE_PARENT, SLICE_ROLE, TraceRole } from './analysis/slice-place.js';
export { placeOf, roleOfRequest, SpanPlace, SpanTree } from './analysis/span-tree.js';
export { TraceFormatError } from './analysis/trace-format-error.js';
export { ridsOf, tracesOf } from './analysis/traces-of.js';
export { BatchMembers, batchStep, eventBatch, sliceBatch } from './batch.js';
export type { BatchStepOptions } from './batch.js';
export { now, tsOfHrtime } from './clock.js';
export { ContextHeader, recordCarrier } from './context-carrier.js';
export type { ContextCarrier } from './context-carrier.js';
export { countMalformed } from './count-malformed.js';
export { initTracing } from './init-tracing.js';
export type { Tracing, TracingOptions, TracingStats } from './init-tracing.js';
export { injectMessage, startProcess, startSend } from './message-span.js';
export type {
  DescribeDestination,
  MessageDestination,
  MessageSpan,
  MessageSpanKind,
  MessageSpanOptions,
} from './message-span.js';
export {
  AttributeName,
  EventName,
  LinkKind,
  MESSAGE_LEVEL,
  MessageOperation,
  SLICE_LEVEL,
  SliceName,
  SpanName,
} from './names.js';
export { NULL_TRACE } from './null-trace.js';
export type {
  AttributeValue,
  EventOptions,
  FinishOptions,
  PastSliceOptions,
  RequestTrace,
  RetryOptions,
  SliceEndOptions,
  SliceStartOptions,
  TraceAttributes,
  VisitOptions,
} from './request-trace.js';
export { liveRequests } from './live-requests.js';
export { requestTrace, resumeRequest, startRequest } from './requests.js';
export type { ResumeRequestOptions, StartRequestOptions } from './requests.js';
export { SGLANG_NAMES } from './sglang-names.js';
export { registerThread } from './thread.js';
export type { ThreadOptions, TraceThread } from './thread.js';
export { TraceLevel, TraceModule } from './trace-level.js';
export { kvSpanIds, SpanRef } from './span-ids.js';
export { SpanKind, SpanStatus } from './trace-span.js';
export type { SpanEvent, SpanLink, TraceSpan } from './trace-span.js';
