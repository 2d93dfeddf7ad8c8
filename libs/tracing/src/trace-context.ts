import type { ContextCarrier } from './context-carrier.js';
import { ContextHeader } from './context-carrier.js';
import { HexReader } from './header-text.js';
import { hexToBits, nibble } from './span-ids.js';
import { TraceLevel } from './trace-level.js';

/** W3C Trace Context as it came in. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

/** Whether a carrier had our own part of the context. */
export const OwnContext = { missing: 0, malformed: 1, whole: 2 } as const;
export type OwnContext = (typeof OwnContext)[keyof typeof OwnContext];

/** Positions in the ids of a context. */
export const ContextId = { trace: 0, parent: 4, previous: 6, request: 8, length: 10 } as const;

const DASH = 45;
const UNDERSCORE = 95;
const ZERO = 48;
const SAMPLED = 1;
/** Where the parts of our own header and of `traceparent` begin. */
export const PREVIOUS_AT = 2;
export const ROLE_AT = 19;
/** Characters of a role. */
export const MAX_ROLE = 32;
export const TRACEPARENT_LENGTH = 55;
export const TRACE_AT = 3;
export const PARENT_AT = 36;
export const FLAGS_AT = 53;
/** After the role: `-<request span>-<room>`. */
export const OWN_REST = 34;

/** version-traceid-parentid-flags; versions after 00 may add fields. https://www.w3.org/TR/trace-context-2/#traceparent-header */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

const SIMPLE_KEY = '[a-z0-9][a-z0-9_*/-]{0,255}';
const TENANT_KEY = '[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}';
/** Printable ASCII without `,` and `=`, up to 256 characters, the last one no space. */
const VALUE = '[\\x20-\\x2b\\x2d-\\x3c\\x3e-\\x7e]{0,255}[\\x21-\\x2b\\x2d-\\x3c\\x3e-\\x7e]';
/** https://www.w3.org/TR/trace-context-2/#list */
const LIST_MEMBER = new RegExp(`^[ \\t]*(?:(?:${SIMPLE_KEY}|${TENANT_KEY})=${VALUE}[ \\t]*)?$`);
const MAX_LIST_MEMBERS = 32;

/**
 * The context of one carrier after another: every service reads one a request, so nothing is made for it but what is kept. What it
 * says counts until the next `read`.
 */
export class ReceivedContext implements TraceContext {
  /** Empty if there is none, or if it is malformed. */
  traceparent = '';
  /** A malformed one is left out. */
  tracestate: string | undefined;
  /** There was a `traceparent` or a `tracestate`, but no right one. */
  isMalformed = false;
  isSampled = false;
  own: OwnContext = OwnContext.missing;
  /** Of the sender, and what follows here too, where `own` is whole. */
  level: TraceLevel = TraceLevel.off;
  /** Trace (4 words of 32 bits, as they are exported), the span above (2), the slice before (2), the sender's request span (2). */
  readonly ids = new Int32Array(ContextId.length);
  readonly #hex = new HexReader();
  readonly #found = { traceparent: '', tracestate: '', own: '' };
  #own = '';
  #roleEnd = 0;

  /** @returns false where there is no right `traceparent` */
  read(carrier: ContextCarrier): boolean {
    this.own = OwnContext.missing;
    this.tracestate = undefined;
    this.#find(carrier);
    const { traceparent, tracestate, own } = this.#found;
    const isRight = !!traceparent && this.#readTraceparent(traceparent);
    this.isMalformed = !!traceparent && !isRight;
    this.traceparent = isRight ? traceparent : '';
    if (!isRight) {
      // It says where in a trace a request is, and there is none.
      if (own) this.own = OwnContext.malformed;
      return false;
    }
    if (tracestate) {
      if (isTracestate(tracestate)) this.tracestate = tracestate;
      else this.isMalformed = true;
    }
    if (own) this.own = this.#readOwn(own) ? OwnContext.whole : OwnContext.malformed;
    return true;
  }

  /** Whether it is recorded from here on, whatever its sender decided. */
  decide(isSampled: boolean): void {
    if (isSampled === this.isSampled) return;
    this.isSampled = isSampled;
    this.traceparent = `${this.traceparent.slice(0, FLAGS_AT)}0${Number(isSampled)}`;
  }

  /** 32 hex characters. */
  get traceId(): string {
    return this.traceparent.slice(TRACE_AT, PARENT_AT - 1);
  }

  /** Two hex digits. */
  get flags(): string {
    return this.traceparent.slice(FLAGS_AT, FLAGS_AT + 2);
  }

  /** Whether the sender's role is this one. */
  isOf(role: string): boolean {
    return this.#roleEnd - ROLE_AT === role.length && this.#own.startsWith(role, ROLE_AT);
  }

  /** Our own header as it came, where `own` is whole. */
  get ownHeader(): string | undefined {
    return this.own === OwnContext.whole ? this.#own : undefined;
  }

  /** The bootstrap room, 16 hex characters, zeros for none. */
  get room(): string {
    return this.#own.slice(this.#roleEnd + 18);
  }

  #find(carrier: ContextCarrier): void {
    const found = this.#found;
    found.traceparent = found.tracestate = found.own = '';
    if (carrier[Symbol.iterator] === undefined) {
      found.traceparent = carrier.get(ContextHeader.traceparent) ?? '';
      found.tracestate = carrier.get(ContextHeader.tracestate) ?? '';
      found.own = carrier.get(ContextHeader.sliceway) ?? '';
      return;
    }
    for (const [name, value] of carrier as Iterable<[string, string | readonly string[]]>) {
      // One that came twice: a list goes on, all else is malformed.
      const text = typeof value === 'string' ? value : value.length === 1 ? value[0]! : value.join();
      if (name === ContextHeader.traceparent) found.traceparent = text;
      else if (name === ContextHeader.tracestate) found.tracestate = text;
      else if (name === ContextHeader.sliceway) found.own = text;
    }
  }

  #readTraceparent(value: string): boolean {
    const { ids } = this;
    const hex = this.#hex;
    hex.load(value);
    this.isSampled = (nibble(hex.code(FLAGS_AT + 1)) & SAMPLED) !== 0;
    if (value.length === TRACEPARENT_LENGTH && hex.code(0) === ZERO && hex.code(1) === ZERO && hex.code(2) === DASH) {
      return (
        hex.words(TRACE_AT, ids, ContextId.trace, 4) &&
        (ids[0]! | ids[1]! | ids[2]! | ids[3]!) !== 0 &&
        hex.code(PARENT_AT - 1) === DASH &&
        hex.words(PARENT_AT, ids, ContextId.parent, 2) &&
        (ids[4]! | ids[5]!) !== 0 &&
        hex.code(FLAGS_AT - 1) === DASH &&
        isHexDigit(hex.code(FLAGS_AT)) &&
        isHexDigit(hex.code(FLAGS_AT + 1))
      );
    }
    const match = TRACEPARENT.exec(value);
    if (match === null || (match[1] === '00' && match[2] !== undefined)) return false;
    for (let i = 0; i < 4; i++) ids[ContextId.trace + i] = hexToBits(value, TRACE_AT + i * 8);
    for (let i = 0; i < 2; i++) ids[ContextId.parent + i] = hexToBits(value, PARENT_AT + i * 8);
    return true;
  }

  /** `<level>-<slice before>-<role>-<request span>-<room>` */
  #readOwn(value: string): boolean {
    const { ids } = this;
    const hex = this.#hex;
    hex.load(value);
    const level = hex.code(0) - ZERO;
    const end = value.length - OWN_REST;
    const isWhole =
      level >= 0 &&
      level <= TraceLevel.all &&
      hex.code(1) === DASH &&
      hex.words(PREVIOUS_AT, ids, ContextId.previous, 2) &&
      hex.code(ROLE_AT - 1) === DASH &&
      end > ROLE_AT &&
      end <= ROLE_AT + MAX_ROLE &&
      this.#isRole(end) &&
      hex.code(end) === DASH &&
      // The room is checked first: its words make way for the request span's.
      hex.code(end + 17) === DASH &&
      hex.words(end + 18, ids, ContextId.request, 2) &&
      hex.words(end + 1, ids, ContextId.request, 2);
    if (!isWhole) return false;
    this.level = level as TraceLevel;
    this.#own = value;
    this.#roleEnd = end;
    return true;
  }

  #isRole(end: number): boolean {
    for (let i = ROLE_AT; i < end; i++) {
      const code = this.#hex.code(i);
      if (code >= 97 && code <= 122) continue;
      const isDigit = code >= 48 && code <= 57;
      if (!isDigit && code !== UNDERSCORE && code !== DASH) return false;
    }
    return true;
  }
}

// Both headers of every message are read: by character codes this takes a third of what regular expressions do.

function isHexDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 97 && code <= 102);
}

function isTracestate(value: string): boolean {
  const members = value.split(',', MAX_LIST_MEMBERS + 1);
  return members.length <= MAX_LIST_MEMBERS && members.every((member) => LIST_MEMBER.test(member));
}
