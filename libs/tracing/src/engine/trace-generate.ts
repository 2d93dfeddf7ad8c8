import { now } from '../clock.js';
import { ContextHeader, type ContextCarrier } from '../context-carrier.js';
import { AttributeName, SliceName } from '../names.js';
import type { RequestTrace } from '../request-trace.js';
import { resumeRequest, startRequest } from '../requests.js';
import { registerThread, type TraceThread } from '../thread.js';
import { type TraceLevel, TraceModule } from '../trace-level.js';
import { randomBytes, randomUUID } from 'node:crypto';
import type { EngineTracer } from './engine-tracer.js';
import type { ObservedToken } from './observed-engine.js';
import { Stages } from './stages.js';

export interface TraceGenerateOptions {
  /** 32 hex characters; random if not given. */
  readonly rid?: string;
  /** Where the caller's `traceparent` is. */
  readonly headers?: ContextCarrier;
  /** That of the process if not given and not in the headers. */
  readonly level?: TraceLevel;
}

/** The observer of one request that the engine's `generate` takes. */
export interface GenerateTracer {
  onStart(): void;
  /** @param ahead what is served before it */
  onQueued(id: string, promptTokens: number, ahead: { readonly position: number; readonly tokens: number }): void;
  onToken(event: ObservedToken): void;
  onEnd(error?: Error): void;
}

let scheduler: TraceThread | undefined;

/**
 * Traces one request of a `LocalEngine` as prefill and decode trace theirs: `engine.generate(prompt, { observer })`.
 *
 * @param tracer what the engine has as its observer
 */
export function traceGenerate(tracer: EngineTracer, options: TraceGenerateOptions = {}): GenerateTracer {
  let trace: RequestTrace;
  let stages: Stages;
  let engineId: string | undefined;
  return {
    onStart() {
      const ts = now();
      trace = begin(options, ts);
      trace.sliceStart(SliceName.tokenize, { ts });
      stages = new Stages(trace, SliceName.tokenize);
    },
    onQueued(id, promptTokens, { position, tokens }) {
      engineId = id;
      trace.setSliceAttributes({ [AttributeName.tokens]: promptTokens });
      stages.next(SliceName.prefillWaiting, now());
      trace.setSliceAttributes({ [AttributeName.queuePosition]: position, [AttributeName.tokensAhead]: tokens });
      trace.setRequestAttributes({ [AttributeName.inputTokens]: promptTokens });
      tracer.watchAll(id, stages, promptTokens);
    },
    onToken(event) {
      tracer.tokenLeft(event, now());
    },
    onEnd(error) {
      const reason = error === undefined ? null : codeOf(error);
      if (engineId !== undefined) tracer.end(engineId, reason);
      if (reason !== null) return trace.abort(reason);
      const ts = now();
      stages.end(ts);
      trace.finish({ ts });
    },
  };
}

function begin(
  { rid = randomUUID().replaceAll('-', ''), headers, level }: TraceGenerateOptions,
  ts: number,
): RequestTrace {
  const thread = (scheduler ??= registerThread({ label: 'scheduler' }));
  const bootstrapRoom = randomBytes(8).toString('hex');
  const request = { rid, role: 'engine', module: TraceModule.engine, bootstrapRoom, thread, ts };
  // Ours goes on where it was; any other is the parent of a request that begins here.
  if (headers?.get(ContextHeader.sliceway) && level === undefined) return resumeRequest(headers, request);
  return startRequest({ ...request, parent: headers, ...(level === undefined ? {} : { level }) });
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${code}: ${error.message}` : error.message;
}
