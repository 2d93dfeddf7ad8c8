/**
 * Whatever carries a request's context from one thread to the next by names and values. NATS `MsgHdrs`, the web's
 * `Headers` and a `Map` are carriers as they are; `recordCarrier` makes one of a plain object.
 */
export interface ContextCarrier {
  /** Nothing (or an empty string, as `MsgHdrs` has it) where the name is missing. */
  get(name: string): string | null | undefined;
  set(name: string, value: string): void;
  /** All of them at once, where there is a way: `get` of `MsgHdrs` goes through its names each time. */
  [Symbol.iterator]?(): Iterator<[name: string, value: string | readonly string[]]>;
}

/** Names that context travels under. */
export const ContextHeader = {
  traceparent: 'traceparent',
  tracestate: 'tracestate',
  /** Ours: level, slice before, role, request span and bootstrap room. */
  sliceway: 'x-sliceway-trace',
  /** Ours: span id of the message's PRODUCER span, where there is one. */
  message: 'x-sliceway-message',
} as const;
export type ContextHeader = (typeof ContextHeader)[keyof typeof ContextHeader];

/** A plain object as carrier: Node's incoming HTTP headers, or a part of a worker thread's message. */
export function recordCarrier(record: Record<string, string | readonly string[] | undefined>): ContextCarrier {
  return {
    get(name) {
      const value = Object.hasOwn(record, name) ? record[name] : undefined;
      return typeof value === 'object' ? value.join(',') : value;
    },
    set(name, value) {
      record[name] = value;
    },
  };
}
