import type { ContextCarrier } from './context-carrier.js';
import { ContextHeader } from './context-carrier.js';
import type { TraceLevel } from './trace-level.js';

/** W3C Trace Context as it came in. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

/** What a request carries beside it from one of our threads to the next. */
export interface RequestContext {
  readonly level: TraceLevel;
  /** Span ids and the room: 16 hex characters, zeros for none. */
  readonly previous: string;
  readonly role: string;
  readonly requestSpan: string;
  readonly room: string;
}

const DASH = 45;
const LEVELS = '0123';
const ROLE_AT = 19;
const MAX_ROLE = 32;
const TRACEPARENT_LENGTH = 55;
const TRACE_AT = 3;
const PARENT_AT = 36;
const FLAGS_AT = 53;

/** version-traceid-parentid-flags; versions after 00 may add fields. https://www.w3.org/TR/trace-context-2/#traceparent-header */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

const SIMPLE_KEY = '[a-z0-9][a-z0-9_*/-]{0,255}';
const TENANT_KEY = '[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}';
/** Printable ASCII without `,` and `=`, up to 256 characters, the last one no space. */
const VALUE = '[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]';
/** https://www.w3.org/TR/trace-context-2/#list */
const LIST_MEMBER = new RegExp(`^[ \\t]*(?:(?:${SIMPLE_KEY}|${TENANT_KEY})=${VALUE}[ \\t]*)?$`);
const MAX_LIST_MEMBERS = 32;

// Both headers of every message are read: by character codes this takes a third of what regular expressions do.

function isHex(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
}

function isZero(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) !== 48) return false;
  return true;
}

function isTraceparent(value: string): boolean {
  if (value.length === TRACEPARENT_LENGTH && value.startsWith('00-')) {
    return (
      isHex(value, TRACE_AT, PARENT_AT - 1) &&
      !isZero(value, TRACE_AT, PARENT_AT - 1) &&
      value.charCodeAt(PARENT_AT - 1) === DASH &&
      isHex(value, PARENT_AT, FLAGS_AT - 1) &&
      !isZero(value, PARENT_AT, FLAGS_AT - 1) &&
      value.charCodeAt(FLAGS_AT - 1) === DASH &&
      isHex(value, FLAGS_AT, value.length)
    );
  }
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

/** Our own part of the context, `<level>-<slice before>-<role>-<request span>-<room>`; undefined if there is none, null if it is malformed. */
export function readRequestContext(carrier: ContextCarrier): RequestContext | undefined | null {
  const value = carrier.get(ContextHeader.sliceway);
  if (!value) return undefined;
  const level = LEVELS.indexOf(value[0]!);
  const dash = value.indexOf('-', ROLE_AT);
  const isWhole =
    level >= 0 &&
    value.charCodeAt(1) === DASH &&
    isHex(value, 2, ROLE_AT - 1) &&
    value.charCodeAt(ROLE_AT - 1) === DASH &&
    dash > ROLE_AT &&
    dash <= ROLE_AT + MAX_ROLE &&
    isRole(value, ROLE_AT, dash) &&
    value.length === dash + 34 &&
    isHex(value, dash + 1, dash + 17) &&
    value.charCodeAt(dash + 17) === DASH &&
    isHex(value, dash + 18, dash + 34);
  if (!isWhole) return null;
  return {
    level: level as TraceLevel,
    previous: value.slice(2, ROLE_AT - 1),
    role: value.slice(ROLE_AT, dash),
    requestSpan: value.slice(dash + 1, dash + 17),
    room: value.slice(dash + 18),
  };
}

function isRole(text: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 97 && code <= 122) || code === 95)) return false;
  }
  return true;
}
