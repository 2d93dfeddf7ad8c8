import { AttributeName, TraceLevel, type RequestTrace } from '@sliceway/tracing';
import { meterOf } from '../metrics/engine-meter.js';

/** A request waits in an engine from now on: it is metered, and if it is traced the slice says what is served before it. */
export function setQueueAttributes(
  trace: RequestTrace,
  engine: { aheadOf(id: string): { readonly position: number; readonly tokens: number } },
  id: string,
): void {
  meterOf(engine)?.queued(id);
  if (trace.level === TraceLevel.off) return;
  const { position, tokens } = engine.aheadOf(id);
  trace.setSliceAttributes({ [AttributeName.queuePosition]: position, [AttributeName.tokensAhead]: tokens });
}
