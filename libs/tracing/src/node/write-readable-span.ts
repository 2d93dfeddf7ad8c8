import type { Attributes, AttributeValue as ApiAttributeValue, HrTime } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { now } from '../clock.js';
import { SharedControl } from '../recording/shared-control.js';
import type { SpanWriter } from '../recording/span-writer.js';
import type { AttributeValue } from '../request-trace.js';
import { hexToWords } from '../span-ids.js';

const control = SharedControl.ofProcess();

/**
 * Writes a span of the SDK as a record. Its name and its scope's are numbered: they are few.
 *
 * @param startTs when it began, if that is known better than by its own start
 * @returns false when the ring is full
 */
export function writeReadableSpan(writer: SpanWriter, span: ReadableSpan, startTs = tsOf(span.startTime)): boolean {
  const { kind, status, events, links, parentSpanContext, droppedEventsCount, droppedLinksCount } = span;
  const own = span.spanContext();
  const name = writer.nameId(span.name);
  const scope = writer.nameId(span.instrumentationScope.name);
  // The API counts kinds from 0, OTLP from 1; they count status alike.
  const flags = (kind + 1) | (status.code << 4);
  const endTs = startTs + nsBetween(span.startTime, span.endTime);
  if (!writer.begin(name, startTs, endTs, hexToWords(own.traceId), control.epoch, scope, flags)) return false;
  const [span0, span1] = hexToWords(own.spanId);
  const [parent0, parent1] = hexToWords(parentSpanContext?.spanId ?? '');
  writer.ids(span0!, span1!, parent0, parent1);
  if (name < 0) writer.name(span.name);
  if (status.message) writer.statusMessage(status.message);
  const traceState = own.traceState?.serialize();
  if (traceState) writer.traceState(traceState);
  writeAttributes(writer, span.attributes);
  for (const event of events) {
    writer.event(event.name, startTs + nsBetween(span.startTime, event.time));
    writeAttributes(writer, event.attributes);
  }
  for (const link of links) {
    const [linked0, linked1] = hexToWords(link.context.spanId);
    writer.link(hexToWords(link.context.traceId), linked0!, linked1!);
    writeAttributes(writer, link.attributes);
  }
  writer.commit(droppedEventsCount, droppedLinksCount);
  return true;
}

/** The `ts` of a time since the epoch; exact to some 200 ns where the origin was not estimated yet. */
function tsOf([seconds, nanoseconds]: HrTime): number {
  const { epoch } = control;
  const originSeconds = control.originSeconds(epoch);
  if (originSeconds === 0) return seconds * 1e9 + nanoseconds - (Date.now() * 1e6 - now());
  return (seconds - originSeconds) * 1e9 + (nanoseconds - control.originNanoseconds(epoch));
}

function nsBetween(from: HrTime, to: HrTime): number {
  return (to[0] - from[0]) * 1e9 + (to[1] - from[1]);
}

function writeAttributes(writer: SpanWriter, attributes: Attributes | undefined): void {
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) writer.attribute(key, recordable(value));
  }
}

/** A record has lists of numbers and of texts, without gaps. */
function recordable(value: ApiAttributeValue): AttributeValue {
  if (!Array.isArray(value)) return value;
  const list: readonly unknown[] = value;
  if (list.length > 0 && list.every((each) => typeof each === 'number')) return list as readonly number[];
  return list.map((each) => (each === null || each === undefined ? '' : String(each)));
}
