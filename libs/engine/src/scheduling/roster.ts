import { SequenceKind, type Sequence } from './sequence.js';

/** A sequence that waits for pages and a place: to run, or, with `granted`, to be held for KV from elsewhere. */
export interface Queued {
  readonly sequence: Sequence;
  readonly granted: (() => void) | undefined;
}

/** What is served before a request. */
export interface QueueAhead {
  /** Requests that stand before it in the queue. */
  readonly position: number;
  /** Tokens that they, and the sequences that run, have yet to compute. */
  readonly tokens: number;
}

/** Where every live sequence is, in one place at a time: queued, running or held. */
export class Roster {
  /** By age. */
  readonly #running: Sequence[] = [];
  /** By age: who is retracted stands before all who came later. */
  readonly #queue: Queued[] = [];
  /** Pages held for somebody outside: a finished prefill, or KV that is arriving. By request. */
  readonly #held = new Map<string, Sequence>();
  readonly #live = new Map<string, Set<Sequence>>();
  #uids = 0;

  constructor(private readonly maxRunning: number) {}

  get running(): readonly Sequence[] {
    return this.#running;
  }

  get queue(): readonly Queued[] {
    return this.#queue;
  }

  /** Requests that have not ended. */
  get ids(): string[] {
    return [...this.#live.keys()];
  }

  /** A number that no sequence has had; u32. */
  newUid(): number {
    return (this.#uids = (this.#uids + 1) >>> 0);
  }

  /** The live sequences of a request. */
  of(id: string): readonly Sequence[] {
    return [...(this.#live.get(id) ?? [])];
  }

  aheadOf(id: string): QueueAhead {
    let tokens = 0;
    let isRunning = false;
    for (const { request, remaining } of this.#running) {
      if (request.id === id) isRunning = true;
      else tokens += remaining;
    }
    const at = isRunning ? -1 : this.#queue.findIndex(({ sequence }) => sequence.request.id === id);
    for (let i = 0; i < at; i++) tokens += this.#queue[i]!.sequence.remaining;
    return { position: Math.max(0, at), tokens };
  }

  held(id: string): Sequence | undefined {
    return this.#held.get(id);
  }

  /** A prompt takes a place for each continuation that it will fork into; one that arrives from elsewhere holds its places. */
  hasPlace(sequence: Sequence): boolean {
    let taken = 0;
    for (const running of this.#running) taken += running.forks;
    for (const held of this.#held.values()) if (held.request.kind === SequenceKind.DECODE) taken += held.forks;
    return taken + sequence.forks <= this.maxRunning;
  }

  enqueue(sequence: Sequence, granted?: () => void): void {
    this.#take(sequence);
    const at = this.#queue.findLastIndex((other) => !isOlder(sequence, other.sequence)) + 1;
    this.#queue.splice(at, 0, { sequence, granted });
  }

  run(sequence: Sequence): void {
    this.#take(sequence);
    const at = this.#running.findLastIndex((other) => !isOlder(sequence, other)) + 1;
    this.#running.splice(at, 0, sequence);
  }

  hold(sequence: Sequence): void {
    this.#take(sequence);
    this.#held.set(sequence.request.id, sequence);
  }

  end(sequence: Sequence): void {
    this.#take(sequence);
    const { id } = sequence.request;
    const live = this.#live.get(id)!;
    live.delete(sequence);
    if (live.size === 0) this.#live.delete(id);
  }

  /** Takes the sequence from where it was; a new one becomes known. */
  #take(sequence: Sequence): void {
    const { id } = sequence.request;
    const live = this.#live.get(id);
    if (live) live.add(sequence);
    else this.#live.set(id, new Set([sequence]));
    const running = this.#running.indexOf(sequence);
    if (running >= 0) this.#running.splice(running, 1);
    const queued = this.#queue.findIndex((other) => other.sequence === sequence);
    if (queued >= 0) this.#queue.splice(queued, 1);
    if (this.#held.get(id) === sequence) this.#held.delete(id);
  }
}

function isOlder(a: Sequence, b: Sequence): boolean {
  return a.arrival < b.arrival || (a.arrival === b.arrival && a.choice < b.choice);
}
