import { ContextHeader, type ContextCarrier } from './context-carrier.js';
import { MESSAGE_LEVEL } from './names.js';
import { SharedControl } from './recording/shared-control.js';
import type { RequestTrace } from './request-trace.js';
import { TraceModule } from './trace-level.js';
import { SpanKind } from './trace-span.js';

/** Where a message goes, as OpenTelemetry's messaging conventions tell it. */
export interface MessageDestination {
  /** The subject. */
  readonly name: string;
  /** The subject without what names one instance: there are few of these. */
  readonly template: string;
  /** Instance of the service that sends the message, or that processes it. */
  readonly clientId: string;
}

/** Made only where a span is recorded. @param subject of the message */
export type DescribeDestination = (subject: string) => MessageDestination;

export type MessageSpanKind = typeof SpanKind.producer | typeof SpanKind.consumer;

export interface MessageSpanOptions {
  readonly kind: MessageSpanKind;
  readonly destination: MessageDestination;
  readonly startTs?: number | undefined;
  /** Of a consumer: span id of its producer, 16 hex characters. */
  readonly producer?: string;
}

/** The span of one message while it is sent, or while it is processed. */
export interface MessageSpan {
  /** 16 hex characters. */
  readonly spanId: string;
  /** Records it; what is above it may have ended before. The first call counts. @param error why it failed */
  end(error?: string): void;
}

const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;
const control = SharedControl.ofProcess();

function isRecorded({ level }: RequestTrace): boolean {
  return level >= MESSAGE_LEVEL && control.hasModule(TraceModule.messaging);
}

/**
 * Begins the PRODUCER span of a message. Its id is put into the message with `injectMessage`.
 *
 * @returns null where it is not recorded, which costs one check
 */
export function startSend(trace: RequestTrace, subject: string, describe: DescribeDestination): MessageSpan | null {
  return isRecorded(trace) ? trace.message({ kind: SpanKind.producer, destination: describe(subject) }) : null;
}

/** Writes what the message's CONSUMER span will link to. */
export function injectMessage(carrier: ContextCarrier, { spanId }: MessageSpan): void {
  carrier.set(ContextHeader.message, spanId);
}

/**
 * Begins the CONSUMER span of a message, linked to its PRODUCER span.
 *
 * @param carrier what the producer's id came in
 * @returns null where it is not recorded: the trace does without, or nobody recorded a PRODUCER span
 */
export function startProcess(
  trace: RequestTrace,
  carrier: ContextCarrier | undefined,
  subject: string,
  describe: DescribeDestination,
  startTs?: number,
): MessageSpan | null {
  if (!isRecorded(trace)) return null;
  const producer = carrier?.get(ContextHeader.message);
  if (!producer) return null;
  if (SPAN_ID.test(producer)) {
    return trace.message({ kind: SpanKind.consumer, destination: describe(subject), startTs, producer });
  }
  control.countMalformed();
  return null;
}
