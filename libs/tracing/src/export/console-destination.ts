import { write } from 'node:fs';
import { promisify } from 'node:util';
import type { AttributeValue } from '../request-trace.js';
import { SpanStatus, type TraceSpan } from '../trace-span.js';
import type { SpanDestination } from './span-sink.js';

const STANDARD_OUT = 1;
const writeTo = promisify(write);

/** A line a span on standard output. */
export function createConsoleDestination(): SpanDestination {
  return {
    name: 'console',
    // Not process.stdout: in a worker thread that goes through the event loop of the thread which serves.
    send: async (spans) => {
      const bytes = Buffer.from(spans.map((span) => `${consoleLine(span)}\n`).join(''));
      for (let at = 0; at < bytes.length;)
        at += (await writeTo(STANDARD_OUT, bytes, at, bytes.length - at, null)).bytesWritten;
    },
  };
}

/** `14:03:05.123456 sliceway-decode decode_forward 12.345 ms 4bf9…/00f0… key=value … ERROR reason`, without line breaks. */
export function consoleLine(span: TraceSpan): string {
  const time = new Date(Number(span.startNs / 1_000_000n)).toISOString().slice(11, 23);
  const micros = String((span.startNs / 1000n) % 1000n).padStart(3, '0');
  const duration = `${(Number(span.endNs - span.startNs) / 1e6).toFixed(3)} ms`;
  const attributes = Object.entries(span.attributes).map(([key, value]) => `${key}=${consoleValue(value)}`);
  const counts = [
    ...(span.events.length === 0 ? [] : [`events=${span.events.map(({ name }) => name).join(',')}`]),
    ...(span.links.length === 0 ? [] : [`links=${span.links.length}`]),
  ];
  const status = span.status.code === SpanStatus.error ? ['ERROR', JSON.stringify(span.status.message)] : [];
  const parts = [
    `${time}${micros}`,
    span.resource['service.name'] ?? span.scope,
    span.name,
    duration,
    `${span.traceId}/${span.spanId}`,
  ];
  return [...parts, ...attributes, ...counts, ...status].join(' ').replace(/[\r\n]+/g, ' ');
}

function consoleValue(value: AttributeValue): string {
  return typeof value === 'string' && !/[\s"=]/.test(value) ? value : JSON.stringify(value);
}
