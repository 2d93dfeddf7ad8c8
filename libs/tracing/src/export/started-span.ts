import type { Attributes, AttributeValue, SpanStatus } from '@opentelemetry/api';
import type { ReadableSpan, Span } from '@opentelemetry/sdk-trace-base';

interface WritableSpan {
  name: string;
  status: SpanStatus;
  attributes: Attributes;
}

/** `this` is the span. Events, links and the end are as they were: it is over. */
const METHODS = {
  isRecording: () => true,
  setAttribute(this: WritableSpan, key: string, value: AttributeValue): object {
    this.attributes[key] = value;
    return this;
  },
  setAttributes(this: WritableSpan, attributes: Attributes): object {
    Object.assign(this.attributes, attributes);
    return this;
  },
  setStatus(this: WritableSpan, status: SpanStatus): object {
    this.status = status;
    return this;
  },
  updateName(this: WritableSpan, name: string): object {
    this.name = name;
    return this;
  },
  addEvent: unchanged,
  addLink: unchanged,
  addLinks: unchanged,
  recordException() {},
  end() {},
};

function unchanged(this: object): object {
  return this;
}

/** A span as the SDK hands it to a processor's `onStart`, which may set its attributes, name and status. */
export function startedSpan(span: ReadableSpan): Span {
  return Object.assign(Object.create(METHODS) as object, span) as Span;
}
