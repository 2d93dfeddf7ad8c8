import type { ContextCarrier } from './context-carrier.js';
import { ContextHeader } from './context-carrier.js';

/** W3C Trace Context as it came in. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

/** version-traceid-parentid-flags; versions after 00 may add fields. https://www.w3.org/TR/trace-context-2/#traceparent-header */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

const SIMPLE_KEY = '[a-z0-9][a-z0-9_*/-]{0,255}';
const TENANT_KEY = '[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}';
/** Printable ASCII without `,` and `=`, up to 256 characters, the last one no space. */
const VALUE = '[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]';
/** https://www.w3.org/TR/trace-context-2/#list */
const LIST_MEMBER = new RegExp(`^[ \\t]*(?:(?:${SIMPLE_KEY}|${TENANT_KEY})=${VALUE}[ \\t]*)?$`);
const MAX_LIST_MEMBERS = 32;

function isTraceparent(value: string): boolean {
  const match = TRACEPARENT.exec(value);
  return match !== null && (match[1] !== '00' || match[2] === undefined);
}

function isTracestate(value: string): boolean {
  const members = value.split(',', MAX_LIST_MEMBERS + 1);
  return members.length <= MAX_LIST_MEMBERS && members.every((member) => LIST_MEMBER.test(member));
}

/** The context in a carrier; undefined if there is none or if its `traceparent` is malformed. A bad `tracestate` is left out. */
export function readTraceContext(carrier: ContextCarrier): TraceContext | undefined {
  const traceparent = carrier.get(ContextHeader.traceparent);
  if (!traceparent || !isTraceparent(traceparent)) return undefined;
  const tracestate = carrier.get(ContextHeader.tracestate);
  return { traceparent, tracestate: tracestate && isTracestate(tracestate) ? tracestate : undefined };
}
