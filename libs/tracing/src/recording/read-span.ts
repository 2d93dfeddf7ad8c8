import type { TraceAttributes } from '../request-trace.js';
import type { SpanEvent, SpanKind, SpanLink, SpanStatus, TraceSpan } from '../trace-span.js';
import { AttributeName, LinkKind } from '../names.js';
import { NO_ID } from '../span-ids.js';
import { MEMBER_BYTES, type RawSpan, type RingReader } from './ring-reader.js';
import type { SharedControl } from './shared-control.js';

export const SCOPE_NAME = 'sliceway';

/** The number of an estimate that was made: a span may be older than the first one. */
export function knownEpoch(control: SharedControl, epoch: number): number {
  return control.originSeconds(epoch) === 0 ? control.epoch : epoch;
}

/** Reads all of the span that `drain` stands at. */
export function readSpan(ring: RingReader, raw: RawSpan, control: SharedControl, resource: TraceAttributes): TraceSpan {
  const hex = (at: number, length: number, bytes = ring.bytes): string =>
    Buffer.from(bytes.subarray(at, at + length)).toString('hex');
  const epoch = knownEpoch(control, raw.epoch);
  const traceId = hex(raw.idsAt, 16);
  const parentSpanId = hex(raw.idsAt + 24, 8);
  const previous = hex(raw.idsAt + 32, 8);
  const attributes = ring.attributes(raw.attributes);
  const events: SpanEvent[] = [];
  for (let i = 0; i < raw.events; i++) {
    const { name, ts, attributes: count } = ring.event();
    events.push({ name, timeNs: control.toEpochNs(ts, epoch), ...ring.attributes(count) });
  }
  const links: SpanLink[] = [];
  if (previous !== NO_ID) {
    links.push({ traceId, spanId: previous, attributes: { [AttributeName.linkKind]: LinkKind.previous } });
  }
  for (let i = 0; i < raw.links; i++) {
    const { idsAt, attributes: count } = ring.link();
    links.push({ traceId: hex(idsAt, 16), spanId: hex(idsAt + 16, 8), ...ring.attributes(count) });
  }
  for (let i = 0; i < raw.members; i++) {
    const at = i * MEMBER_BYTES;
    const spanId = hex(at + 16, 8, ring.members);
    const attributes = { [AttributeName.linkKind]: LinkKind.batch };
    links.push({ traceId: hex(at, 16, ring.members), spanId, attributes });
  }
  return {
    traceId,
    spanId: hex(raw.idsAt + 16, 8),
    parentSpanId: parentSpanId === NO_ID ? null : parentSpanId,
    traceState: raw.traceState,
    name: raw.name,
    kind: raw.kind as SpanKind,
    startNs: control.toEpochNs(raw.startTs, epoch),
    endNs: control.toEpochNs(raw.endTs, epoch),
    ...attributes,
    events,
    links,
    droppedEvents: raw.droppedEvents,
    droppedLinks: raw.droppedLinks,
    status: { code: raw.status as SpanStatus, message: raw.statusMessage },
    scope: raw.scope ?? SCOPE_NAME,
    resource,
  };
}
