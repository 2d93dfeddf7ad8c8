import { SliceName } from '../names.js';

/** A service, as it is called in the tree. */
export const TraceRole = { gateway: 'gateway', tokenizer: 'tokenizer', prefill: 'prefill', decode: 'decode' } as const;
export type TraceRole = (typeof TraceRole)[keyof typeof TraceRole];

/** The service that emits a slice. */
export const SLICE_ROLE: Readonly<Record<SliceName, TraceRole>> = {
  receive: 'gateway',
  admission: 'gateway',
  tokenize_wait: 'gateway',
  route: 'gateway',
  dispatch: 'gateway',
  first_token_wait: 'gateway',
  stream: 'gateway',
  socket_write: 'gateway',
  tokenize: 'tokenizer',
  chat_template: 'tokenizer',
  api_server_dispatch: 'tokenizer',
  detokenize: 'tokenizer',
  prefill_prepare: 'prefill',
  prefill_bootstrap: 'prefill',
  prefill_waiting: 'prefill',
  prefill_forward: 'prefill',
  chunked_prefill: 'prefill',
  prefill_transfer_kv_cache: 'prefill',
  decode_prepare: 'decode',
  decode_bootstrap: 'decode',
  decode_transferred: 'decode',
  decode_waiting: 'decode',
  decode_forward: 'decode',
  decode_loop: 'decode',
  quick_finish: 'decode',
};

/** Slices that are nested in another one, and in which. */
export const SLICE_PARENT: Readonly<Partial<Record<SliceName, SliceName>>> = {
  socket_write: SliceName.stream,
  chat_template: SliceName.tokenize,
  chunked_prefill: SliceName.prefillForward,
  decode_loop: SliceName.decodeForward,
};

/** Slices in which a thread only waits for another one. `stream` and `detokenize` do so for a part of their time. */
export const WAITING_SLICES: ReadonlySet<string> = new Set([
  SliceName.tokenizeWait,
  SliceName.firstTokenWait,
  SliceName.prefillBootstrap,
  SliceName.decodeBootstrap,
  SliceName.decodeTransferred,
]);

/** The table's row of a slice; undefined for a name of the user's own. */
export function roleOfSlice(name: string): TraceRole | undefined {
  return Object.hasOwn(SLICE_ROLE, name) ? SLICE_ROLE[name as SliceName] : undefined;
}
