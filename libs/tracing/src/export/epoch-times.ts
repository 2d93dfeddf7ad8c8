import { knownEpoch } from '../recording/read-span.js';
import type { SharedControl } from '../recording/shared-control.js';
import type { ProtobufWriter } from './protobuf-writer.js';

const WORD = 2 ** 32;

/** Turns `ts` into nanoseconds since the epoch, in two halves of 32 bits. */
export class EpochTimes {
  #epoch = -1;
  #nanoseconds = 0;
  #low = 0;
  #high = 0;

  constructor(private readonly control: SharedControl) {}

  /** @param epoch number of an estimate of the clock's origin */
  select(epoch: number): void {
    if (epoch === this.#epoch) return;
    const known = knownEpoch(this.control, epoch);
    const origin = BigInt(this.control.originSeconds(known)) * 1_000_000_000n;
    this.#low = Number(origin & 0xffffffffn);
    this.#high = Number(origin >> 32n);
    this.#nanoseconds = this.control.originNanoseconds(known);
    // One that was only stood in for is looked up again.
    this.#epoch = known === epoch ? epoch : -1;
  }

  /** As fixed64. */
  write(ts: number, out: ProtobufWriter): void {
    const ns = Math.round(this.#nanoseconds + ts);
    const high = Math.floor(ns / WORD);
    const low = this.#low + (ns - high * WORD);
    out.fixed64(low >>> 0, (this.#high + high + (low >= WORD ? 1 : 0)) >>> 0);
  }
}
