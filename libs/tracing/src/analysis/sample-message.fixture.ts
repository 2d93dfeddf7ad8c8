import { AttributeName, LinkKind, MESSAGE_LEVEL, MessageOperation } from '../names.js';
import { SpanKind } from '../trace-span.js';
import { SAMPLE_RID, type SampleParts } from './sample-parts.fixture.js';
import type { SpanDraft } from './trace-builder.fixture.js';

export interface SampleMessage {
  readonly from: string;
  readonly to: string;
  readonly what: string;
  /** The slice in which it is sent, and the thread that processes it. */
  readonly slice: SpanDraft | null;
  readonly thread: SpanDraft;
  readonly sentNs: bigint;
  readonly comeNs: bigint;
  readonly doneNs: bigint;
}

/** A control message: its PRODUCER span and its CONSUMER span, where the level has them. */
export function addMessage({ builder, take }: SampleParts, message: SampleMessage): void {
  const { from, to, what, slice, thread, sentNs, comeNs, doneNs } = message;
  if (builder.level < MESSAGE_LEVEL || slice === null) return;
  const span = (role: string, operation: MessageOperation, parent: SpanDraft, startNs: bigint, endNs: bigint) => {
    const draft = builder.span(role, `${operation} sw.${to}.${what}`, parent, startNs, endNs);
    draft.kind = operation === MessageOperation.send ? SpanKind.producer : SpanKind.consumer;
    Object.assign(draft.attributes, {
      [AttributeName.messagingSystem]: 'nats',
      [AttributeName.messagingOperationName]: operation,
      [AttributeName.messagingOperationType]: operation,
      [AttributeName.messagingDestinationName]: `sw.${to}.0000000a.${what}`,
      [AttributeName.messagingDestinationTemplate]: `sw.${to}.${what}`,
      [AttributeName.messagingClientId]: role,
      [AttributeName.messagingConversationId]: SAMPLE_RID,
    });
    return draft;
  };
  const producer = span(from, MessageOperation.send, slice, sentNs, sentNs + take('send'));
  const consumer = span(to, MessageOperation.process, thread, comeNs, doneNs);
  builder.link(consumer, LinkKind.message, producer.spanId);
}
