import {
  AttributeName,
  LinkKind,
  MESSAGE_LEVEL,
  MessageOperation,
  placeOf,
  SpanKind,
  SpanPlace,
  type TraceSpan,
} from '@sliceway/tracing';
import { type Report, TraceRule } from './trace-fault.js';
import type { TraceCase } from './trace-validator.js';

const {
  rid,
  linkKind,
  messagingOperationName,
  messagingOperationType,
  messagingDestinationName,
  messagingDestinationTemplate,
  messagingConversationId,
} = AttributeName;
const REQUIRED = Object.values(AttributeName).filter((name) => name.startsWith('messaging.'));

/** Message spans are called and described as the conventions say, and each message that was processed was sent. */
export function checkMessages(trace: TraceCase, report: Report): void {
  for (const span of trace.spans) {
    if (placeOf(span) !== SpanPlace.message) continue;
    if (trace.level < MESSAGE_LEVEL) report(TraceRule.name, span, `it is not of level ${trace.level}`);
    checkAttributes(trace, span, report);
    checkProducer(trace, span, report);
  }
}

function checkAttributes({ spans }: TraceCase, span: TraceSpan, report: Report): void {
  const { attributes, kind, name } = span;
  const missing = REQUIRED.filter((key) => attributes[key] === undefined);
  if (missing.length > 0) return report(TraceRule.attributes, span, `it has no ${missing.join(', ')}`);
  const operation = kind === SpanKind.producer ? MessageOperation.send : MessageOperation.process;
  const expected = `${operation} ${attributes[messagingDestinationTemplate]}`;
  if (name !== expected) report(TraceRule.name, span, `it should be ${expected}`);
  for (const key of [messagingOperationName, messagingOperationType]) {
    if (attributes[key] !== operation) report(TraceRule.attributes, span, `its ${key} is ${attributes[key]}`);
  }
  const request = spans.find((each) => placeOf(each) === SpanPlace.request);
  const isOfRequest = request === undefined || request.attributes[rid] === attributes[messagingConversationId];
  if (!isOfRequest) report(TraceRule.attributes, span, 'it is about another request');
}

function checkProducer({ tree }: TraceCase, span: TraceSpan, report: Report): void {
  const links = span.links.filter(({ attributes }) => attributes[linkKind] === LinkKind.message);
  const expected = span.kind === SpanKind.consumer ? 1 : 0;
  if (links.length !== expected) return report(TraceRule.link, span, `it has ${links.length} message links`);
  const [link] = links;
  const producer = link && tree.find(link.traceId, link.spanId);
  // A link that leads to what is no PRODUCER, or nowhere, is told as such.
  if (producer?.kind !== SpanKind.producer) return;
  const isSame = [messagingDestinationName, messagingConversationId].every(
    (key) => producer.attributes[key] === span.attributes[key],
  );
  if (!isSame) report(TraceRule.link, span, `its message is not that of ${producer.name}`);
}
