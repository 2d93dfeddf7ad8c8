import type { RequestId, Room, WorkerId } from '../ids.js';

/** What the frames of one KV transfer have in common. */
export interface TransferHead {
  readonly sender: WorkerId;
  /** Of this transfer and direction, from 0. */
  readonly seq: number;
  readonly rid: RequestId;
  readonly choice: number;
  readonly attempt: number;
  readonly room: Room;
}
