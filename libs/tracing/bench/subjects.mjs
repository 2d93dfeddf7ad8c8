// The same spans by this library and by OpenTelemetry's SDK: start, link to the one before, two attributes, end.
import { context, trace } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { now, startRequest } from '@sliceway/tracing';
import { SharedControl } from '../dist/recording/shared-control.js';
import { TraceLevel, TraceModule } from '../dist/trace-level.js';

export const SLICE = 'stream';
/** The value of the attribute `tokens` in each. */
export const TOKENS = 2;
const ROOM = '0123456789abcdef';
const LINK_KIND = { 'link.kind': 'prev' };

/** Records from now on, as `initTracing` has it recorded, whoever reads it. */
export function recordAll() {
  const control = SharedControl.ofProcess();
  control.level = TraceLevel.all;
  control.ratio = 1;
  control.modules = Object.values(TraceModule);
  control.enabled = true;
  return control;
}

/**
 * A request's slices one after another. `record` makes them as services do (`Stages`): the end of one is the start of the next, which
 * reads the clock once. `recordApart` reads it at both. The i-th has the attribute `bytes` of i.
 */
export function ourRequest(index) {
  const request = ourMember(index);
  const attributes = { bytes: 0, tokens: TOKENS };
  const end = { attributes };
  const endAt = { ts: 0, attributes };
  const startAt = { ts: 0 };
  return {
    record(i) {
      attributes.bytes = i;
      endAt.ts = startAt.ts = now();
      request.sliceEnd(SLICE, endAt);
      request.sliceStart(SLICE, startAt);
    },
    recordApart(i) {
      attributes.bytes = i;
      request.sliceEnd(SLICE, end);
      request.sliceStart(SLICE);
    },
    finish() {
      request.finish();
    },
  };
}

/** A request's trace with a slice under way. */
export function ourMember(index) {
  const request = startRequest({ rid: rid(index), role: 'gateway', bootstrapRoom: ROOM });
  request.sliceStart(SLICE);
  return request;
}

/** The SDK behind its batch processor, with room for `maxQueueSize` spans. */
export function sdkTracer(exporter, { maxExportBatchSize, maxQueueSize }) {
  const processor = new BatchSpanProcessor(exporter, { maxExportBatchSize, maxQueueSize, scheduledDelayMillis: 500 });
  const resource = resourceFromAttributes({ 'service.name': 'sliceway-gateway' });
  const provider = new BasicTracerProvider({ spanProcessors: [processor], resource });
  return { provider, tracer: provider.getTracer('sliceway') };
}

/** As `ourRequest`. */
export function sdkRequest(tracer, index) {
  const request = tracer.startSpan(`gateway Req ${rid(index).slice(0, 8)}`);
  const parent = trace.setSpan(context.active(), request);
  let previous = request.spanContext();
  return {
    record(i) {
      const span = tracer.startSpan(SLICE, { links: [{ context: previous, attributes: LINK_KIND }] }, parent);
      span.setAttribute('bytes', i);
      span.setAttribute('tokens', TOKENS);
      span.end();
      previous = span.spanContext();
    },
    finish: () => request.end(),
  };
}

function rid(index) {
  return index.toString(16).padStart(32, '0');
}
