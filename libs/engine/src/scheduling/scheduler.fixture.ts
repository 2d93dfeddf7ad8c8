import { PagePool } from '../kv/page-pool.js';
import { GREEDY, type SamplingParams } from '../sampling/sampling-params.js';
import type { SampledToken } from '../sampling/sampling.js';
import { Scheduler, type ScheduledBatch, type SchedulerLimits } from './scheduler.js';
import type { SequenceRequest, TokenEvent } from './sequence.js';
import { draw, kvOf, SimulatedModel } from './simulated-model.fixture.js';

const VOCAB = 997;
/** The simulated model never draws it. */
export const EOS = 0;

const LIMITS: SchedulerLimits = {
  contextLength: 512,
  pageTokens: 16,
  batchTokens: 32,
  maxRunning: 8,
  maxQueued: 16,
  eosTokenIds: [EOS],
};

export function request(
  id: string,
  promptTokens: number,
  { sampling, ...over }: Partial<Omit<SequenceRequest, 'sampling'>> & { sampling?: Partial<SamplingParams> } = {},
): SequenceRequest {
  return {
    id,
    kind: 'generate',
    promptIds: Array.from({ length: promptTokens }, (_, i) => i + 1),
    firstChoice: 0,
    choices: 1,
    ...over,
    sampling: { ...GREEDY, maxNewTokens: 4, ...sampling },
  };
}

export const sampled = (...tokens: number[]): SampledToken[] => tokens.map((token) => ({ token }));

/** The text of a greedy request, computed without a scheduler. */
export function expected({ promptIds }: SequenceRequest, count: number, choice = 0): number[] {
  const tokens = [...promptIds];
  for (let index = 0; index < count; index++) {
    const spec = { ...GREEDY, choice, index, banned: [], penalties: null };
    tokens.push(draw(kvOf(tokens), spec, VOCAB).token);
  }
  return tokens.slice(promptIds.length);
}

/** A scheduler and a simulated model that does what it says. */
export class Rig {
  readonly pool: PagePool;
  readonly scheduler: Scheduler;
  readonly events: TokenEvent[] = [];
  readonly #model: SimulatedModel;

  constructor(pages = 64, over: Partial<SchedulerLimits> = {}) {
    const limits = { ...LIMITS, ...over };
    this.pool = new PagePool(pages);
    this.#model = new SimulatedModel(pages, limits.pageTokens, VOCAB);
    this.scheduler = new Scheduler(limits, this.pool, (from, to) => this.#model.copyPage(from, to));
  }

  /** Starts a held request as if its KV had come from elsewhere. */
  arrive({ id, promptIds }: SequenceRequest, firstTokens: readonly number[]): number[] {
    this.#model.write(this.scheduler.pagesOf(id)!, kvOf(promptIds), 0, promptIds.length);
    return this.scheduler.start(id, firstTokens);
  }

  step(): ScheduledBatch | undefined {
    const batch = this.scheduler.schedule();
    if (batch) this.events.push(...this.scheduler.complete(batch, this.#model.forward(batch.forward)));
    return batch;
  }

  drain(): void {
    for (let steps = 0; this.step(); steps++) if (steps > 10_000) throw new Error('the scheduler never ends');
  }

  text(id: string, choice = 0): number[] {
    const own = this.events.filter((event) => event.id === id && event.choice === choice);
    expect(own.map((event) => event.index)).toEqual(own.map((_, i) => i + own[0]!.index));
    return own.map((event) => event.token);
  }
}
