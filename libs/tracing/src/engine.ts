/** What watches an engine: beside the library's own entry, for those who have one. */
export { EngineTracer } from './engine/engine-tracer.js';
export type {
  ObservedBatch,
  ObservedForward,
  ObservedRun,
  ObservedSequence,
  ObservedToken,
} from './engine/observed-engine.js';
export { Stages } from './engine/stages.js';
export { traceGenerate, type GenerateTracer, type TraceGenerateOptions } from './engine/trace-generate.js';
