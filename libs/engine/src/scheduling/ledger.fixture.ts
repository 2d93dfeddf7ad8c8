import { isDeepStrictEqual } from 'node:util';
import type { SamplingSpec } from '../sampling/sampling.js';
import type { SchedulerLimits } from './scheduler-limits.js';
import type { SequenceRequest, TokenEvent } from './sequence.js';
import { draw, kvOf } from './simulated-model.fixture.js';

/** The events that a choice of a request must give, worked out from its definition. */
export function referenceEvents(
  { id, kind, promptIds, sampling }: SequenceRequest,
  choice: number,
  limits: SchedulerLimits,
  maxTokens: number,
  vocab: number,
): TokenEvent[] {
  const ends = [...sampling.stopTokenIds, ...(sampling.ignoreEos ? [] : limits.eosTokenIds)];
  const { presencePenalty: presence, frequencyPenalty: frequency, repetitionPenalty: repetition } = sampling;
  const tokens = [...promptIds];
  const events: TokenEvent[] = [];
  for (let index = 0; ; index++) {
    const penalties = {
      ...{ presence, frequency, repetition },
      prompt: Int32Array.from(promptIds),
      generated: Int32Array.from(tokens.slice(promptIds.length)),
    };
    const spec: SamplingSpec = {
      ...sampling,
      ...{ choice, index },
      banned: index < sampling.minTokens ? ends : [],
      penalties: presence !== 0 || frequency !== 0 || repetition !== 1 ? penalties : null,
    };
    const drawn = draw(kvOf(tokens), spec, vocab);
    tokens.push(drawn.token);
    const isLast = index + 1 === sampling.maxNewTokens || tokens.length === maxTokens;
    const finish = ends.includes(drawn.token) ? 'stop' : isLast ? 'length' : null;
    events.push({ id, choice, index, finish, ...drawn });
    if (finish !== null || kind === 'prefill') return events;
  }
}

/** A request as its owner sees it: what it asked for, what came, and whether anything of it is left. */
export class LedgerEntry {
  /** Expected events of each choice that has not ended, in order. */
  readonly #open = new Map<number, readonly TokenEvent[]>();
  /** It holds its pages or has computed. */
  entered = false;
  /** Decode: tokens of KV that have arrived. */
  arrived = 0;
  /** The continuations run by themselves. */
  forked = false;

  constructor(
    readonly request: SequenceRequest,
    readonly arrival: number,
    expected: (choice: number) => readonly TokenEvent[],
  ) {
    for (let fork = 0; fork < request.choices; fork++) {
      const choice = request.firstChoice + fork;
      this.#open.set(choice, expected(choice));
    }
  }

  get isLive(): boolean {
    return this.#open.size > 0;
  }

  /** Prefill: all first tokens are there, and the pages wait for their release. */
  get isHeld(): boolean {
    return (
      this.request.kind === 'prefill' && this.isLive && [...this.#open.values()].every((left) => left.length === 0)
    );
  }

  /** Decode: its pages are there, and its KV comes. */
  get isArriving(): boolean {
    return this.request.kind === 'decode' && this.isLive && this.entered && !this.forked;
  }

  take(event: TokenEvent): void {
    const left = this.#open.get(event.choice);
    if (!left || !isDeepStrictEqual(event, left[0])) {
      throw new Error(`got ${JSON.stringify(event)} instead of ${JSON.stringify(left?.[0])}`);
    }
    this.#advance(event.choice);
    if (this.request.kind === 'generate') this.forked = true;
  }

  /** Decode: @returns the first tokens, and the choices that go on */
  start(): { tokens: number[]; choices: number[] } {
    const firsts = [...this.#open].map(([, left]) => left[0]!);
    for (const { choice } of firsts) this.#advance(choice);
    this.forked = true;
    return { tokens: firsts.map(({ token }) => token), choices: [...this.#open.keys()] };
  }

  /** @returns whether there is something to end */
  abort(choice?: number): boolean {
    if (choice === undefined) {
      const was = this.isLive;
      this.#open.clear();
      return was;
    }
    return (this.forked || this.request.choices === 1) && this.#open.delete(choice);
  }

  #advance(choice: number): void {
    const [event, ...left] = this.#open.get(choice)!;
    if (event!.finish !== null && this.request.kind !== 'prefill') this.#open.delete(choice);
    else this.#open.set(choice, left);
  }
}
