import { Word } from '../recording/record-format.js';
import { RingReader } from '../recording/ring-reader.js';

/** A bit of the word with the writer's thread, which nothing uses. */
const PROBE = 1 << 30;
/** Rings whose threads have not answered for so many rounds are given up, once they are empty. */
const MAX_SILENT_ROUNDS = 10;

export interface KnownRing {
  readonly reader: RingReader;
  readonly id: number;
  /** Its thread answers when it is asked whether it lives. */
  readonly answers: boolean;
  silentRounds: number;
  /** Names that the thread which started the exporter has been told. */
  toldNames: number;
}

/** The rings of this process, each of them once. */
export class RingSet {
  readonly #rings: KnownRing[] = [];
  #nextId: number;
  #droppedOfEnded: number;

  /** @param droppedOfEnded what rings had dropped that were given up before */
  constructor(firstId: number, droppedOfEnded = 0) {
    this.#nextId = firstId;
    this.#droppedOfEnded = droppedOfEnded;
  }

  get rings(): readonly KnownRing[] {
    return this.#rings;
  }

  /** Records that found a ring full. */
  get dropped(): number {
    return this.#rings.reduce((sum, { reader }) => sum + reader.dropped, this.#droppedOfEnded);
  }

  /** @returns null if it is known: then its thread has shown that it lives */
  add(buffer: SharedArrayBuffer, options: { answers: boolean; id?: number; names?: string[] }): KnownRing | null {
    const probe = new Int32Array(buffer);
    const known = this.#rings.find(({ reader }) => isSameMemory(reader.i32, probe));
    if (known !== undefined) {
      known.silentRounds = 0;
      return null;
    }
    const { answers, id = this.#nextId++, names } = options;
    const reader = new RingReader(buffer, names);
    const ring = { reader, id, answers, silentRounds: 0, toldNames: reader.names.length };
    this.#rings.push(ring);
    return ring;
  }

  /** One round of asking who is there. @returns rings that are given up */
  age(): readonly KnownRing[] {
    const ended: KnownRing[] = [];
    for (const ring of this.#rings) {
      if (ring.answers && ++ring.silentRounds > MAX_SILENT_ROUNDS && ring.reader.isEmpty) ended.push(ring);
    }
    for (const ring of ended) {
      this.#droppedOfEnded += ring.reader.dropped;
      this.#rings.splice(this.#rings.indexOf(ring), 1);
    }
    return ended;
  }
}

/** Each message that a SharedArrayBuffer comes in makes another object of the same memory: a change to one is a change to both. */
function isSameMemory(a: Int32Array, b: Int32Array): boolean {
  const before = Atomics.load(b, Word.thread);
  Atomics.xor(a, Word.thread, PROBE);
  const isSame = Atomics.load(b, Word.thread) !== before;
  Atomics.xor(a, Word.thread, PROBE);
  return isSame;
}
