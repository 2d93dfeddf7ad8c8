import type { SampledToken } from '../sampling/sampling.js';
import type { EndRules } from './end-rules.js';
import type { PageTables } from './page-tables.js';
import type { Roster } from './roster.js';
import { Sequence, SequenceKind, type TokenEvent } from './sequence.js';

/** What becomes of a sequence whose next tokens are known: it grows, forks, is held or ends. */
export class Continuation {
  constructor(
    private readonly roster: Roster,
    private readonly pages: PageTables,
    private readonly rules: EndRules,
  ) {}

  /** Takes in what was sampled from a sequence's last row: one token for each of its forks. */
  extend(sequence: Sequence, sampled: readonly SampledToken[]): TokenEvent[] {
    const { id, kind } = sequence.request;
    const index = sequence.generated;
    const events = sampled.map(({ token, logprobs }, fork) => {
      const finish = this.rules.finishOf(sequence, token);
      return { id, choice: sequence.choice + fork, index, token, finish, ...(logprobs && { logprobs }) };
    });
    const tokens = sampled.map(({ token }) => token);
    if (kind === SequenceKind.PREFILL) this.roster.hold(sequence);
    else if (sequence.forks > 1) this.fork(sequence, tokens);
    else if (events[0]!.finish) this.#end(sequence);
    else sequence.tokens.push(...tokens);
    return events;
  }

  /**
   * Lets each continuation of a computed prompt run on its own; ended ones are left out. They share the prompt's full
   * pages, and all but one get a copy of the partial page; one that finds no page for it is computed again.
   * @returns the choices that go on
   */
  fork(prompt: Sequence, firstTokens: readonly number[]): number[] {
    const { request, arrival, choice } = prompt;
    const forks = firstTokens.flatMap((token, fork) => {
      if (this.rules.finishOf(prompt, token)) return [];
      return [new Sequence(request, this.roster.newUid(), arrival, choice + fork, 1, [...prompt.tokens, token])];
    });
    for (const fork of forks.slice(0, -1)) {
      if (this.pages.share(prompt, fork)) this.roster.run(fork);
      else this.roster.enqueue(fork);
    }
    const last = forks.at(-1);
    if (last) {
      this.pages.move(prompt, last);
      this.roster.run(last);
    }
    this.#end(prompt);
    return forks.map((fork) => fork.choice);
  }

  #end(sequence: Sequence): void {
    this.roster.end(sequence);
    this.pages.free(sequence);
  }
}
