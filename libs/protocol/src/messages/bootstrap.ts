import type { RequestId, Room, WorkerId } from '../ids.js';
import type { KvFormat } from './kv-format.js';
import { kvFormat } from './kv-format.js';
import { array, object, requestId, room, string, u32, u8, workerId } from './parser.js';

/** decode to prefill: pages are reserved and KV may come, or (window 0) the request waits for pages. Repeated until KV comes. */
export interface Bootstrap {
  readonly rid: RequestId;
  readonly choice: number;
  readonly attempt: number;
  readonly room: Room;
  readonly decode: WorkerId;
  /** Names of the transports that decode can receive on, best first. */
  readonly transports: readonly string[];
  readonly kvFormat: KvFormat;
  /** KV frames that prefill may send before the first credit; 0 while the pages are not reserved. */
  readonly window: number;
}

const bootstrap = object<Bootstrap>({
  rid: requestId,
  choice: u8,
  attempt: u8,
  room,
  decode: workerId,
  transports: array(string, 1),
  kvFormat,
  window: u32,
});

/** Throws ProtocolError. */
export function parseBootstrap(value: unknown): Bootstrap {
  return bootstrap(value, 'Bootstrap');
}
