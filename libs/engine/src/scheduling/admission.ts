import { EngineError } from '../errors.js';
import type { EndRules } from './end-rules.js';
import type { PageTables } from './page-tables.js';
import type { Roster } from './roster.js';
import type { SchedulerLimits } from './scheduler-limits.js';
import { Sequence, type SequenceRequest } from './sequence.js';

/** Lets requests into a bounded queue, and out of it first come, first served, as far as pages and places go. */
export class Admission {
  #arrivals = 0;

  constructor(
    private readonly limits: SchedulerLimits,
    private readonly roster: Roster,
    private readonly pages: PageTables,
    private readonly rules: EndRules,
  ) {}

  /**
   * Queues a request: to run, or, with `granted`, to be held for KV from elsewhere.
   * @throws EngineError queue_full, prompt_too_long or bad_message
   */
  enqueue(request: SequenceRequest, granted?: () => void): void {
    this.#check(request);
    const { firstChoice, choices } = request;
    const sequence = new Sequence(request, this.roster.newUid(), this.#arrivals++, firstChoice, choices);
    this.roster.enqueue(sequence, granted);
  }

  /** Holds the reservations at the head of the queue that fit. */
  grant(): void {
    for (let head; (head = this.roster.queue[0])?.granted && this.#fits(head.sequence);) {
      this.roster.hold(head.sequence);
      head.granted();
    }
  }

  /** Lets the head of the queue run if it fits. @returns it, or undefined */
  startNext(): Sequence | undefined {
    const head = this.roster.queue[0];
    if (!head || head.granted || !this.#fits(head.sequence)) return undefined;
    this.roster.run(head.sequence);
    this.grant();
    return head.sequence;
  }

  /** Whether there are a place and pages for the sequence, which it then has. Each running one may soon need one page more. */
  #fits(sequence: Sequence): boolean {
    return this.roster.hasPlace(sequence) && this.pages.cover(sequence, this.roster.running.length);
  }

  #check({ id, promptIds, choices }: SequenceRequest): void {
    const { maxRunning, maxQueued } = this.limits;
    const { maxTokens } = this.rules;
    if (this.roster.of(id).length > 0) throw new EngineError('bad_message', `request ${id} is already here`);
    if (promptIds.length === 0) throw new EngineError('bad_message', 'the prompt is empty');
    if (!(choices >= 1 && choices <= maxRunning)) {
      throw new EngineError('bad_message', `${choices} choices; this engine takes 1 to ${maxRunning}`);
    }
    if (promptIds.length >= maxTokens) {
      throw new EngineError(
        'prompt_too_long',
        `${promptIds.length} prompt tokens; the context and the KV pool hold ${maxTokens}`,
      );
    }
    if (this.roster.queue.length >= maxQueued) {
      throw new EngineError('queue_full', `${maxQueued} requests are queued`);
    }
  }
}
