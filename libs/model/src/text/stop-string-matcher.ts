/** A state of the automaton: the longest end of the text so far that begins a stop string. */
interface State {
  readonly next: Map<number, State>;
  /** UTF-16 units of it. */
  readonly depth: number;
  /** Where to go on when no stop string continues with the next unit. */
  fallback: State | null;
  /** The longest stop string that ends here. */
  matched: string | undefined;
}

export interface StopResult {
  /** What can no longer be part of a stop string. */
  readonly text: string;
  /** The stop string that ended the text. */
  readonly matched: string | undefined;
}

/**
 * Looks for stop strings in a text that comes in chunks, with Aho and Corasick's automaton: work per character, whatever the
 * number of stop strings, and none over text seen before. The result does not depend on the chunks: the text ends at the
 * first character that completes a stop string, and if several end there the longest one counts.
 */
export class StopStringMatcher {
  readonly #root: State;
  #state: State;
  #held = '';
  #matched: string | undefined;

  /** @throws RangeError for an empty stop string, which would end every text at its start */
  constructor(stops: readonly string[]) {
    if (stops.includes('')) throw new RangeError('a stop string is empty');
    this.#root = buildAutomaton(stops);
    this.#state = this.#root;
  }

  /** Takes the next part of the text and returns what is certain. After a match all further text is dropped. */
  push(chunk: string): StopResult {
    if (this.#matched !== undefined) return { text: '', matched: this.#matched };
    if (this.#root.next.size === 0) return { text: chunk, matched: undefined };
    const text = this.#held + chunk;
    for (let i = this.#held.length; i < text.length; i++) {
      this.#state = this.#step(this.#state, text.charCodeAt(i));
      if (this.#state.matched === undefined) continue;
      this.#matched = this.#state.matched;
      this.#held = '';
      return { text: text.slice(0, i + 1 - this.#matched.length), matched: this.#matched };
    }
    const certain = text.length - this.#state.depth;
    this.#held = text.slice(certain);
    return { text: text.slice(0, certain), matched: undefined };
  }

  /** Ends the text and returns what was held back. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    this.#state = this.#root;
    return held;
  }

  #step(state: State, unit: number): State {
    for (let from: State | null = state; from; from = from.fallback) {
      const next = from.next.get(unit);
      if (next) return next;
    }
    return this.#root;
  }
}

function buildAutomaton(stops: readonly string[]): State {
  const root = newState(0);
  for (const stop of stops) {
    let state = root;
    for (let i = 0; i < stop.length; i++) {
      const unit = stop.charCodeAt(i);
      let next = state.next.get(unit);
      if (!next) state.next.set(unit, (next = newState(i + 1)));
      state = next;
    }
    state.matched = stop;
  }
  // Breadth first: a fallback is shorter than its state, so that its own links exist already.
  const queue = [root];
  for (const state of queue) {
    for (const [unit, next] of state.next) {
      let fallback = state.fallback;
      while (fallback && !fallback.next.has(unit)) fallback = fallback.fallback;
      next.fallback = fallback?.next.get(unit) ?? root;
      next.matched ??= next.fallback.matched;
      queue.push(next);
    }
  }
  return root;
}

function newState(depth: number): State {
  return { next: new Map(), depth, fallback: null, matched: undefined };
}
