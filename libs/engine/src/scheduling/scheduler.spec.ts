import { PagePool } from '../kv/page-pool.js';
import { GREEDY } from '../sampling/sampling-params.js';
import { Scheduler, type ScheduledBatch, type SchedulerLimits } from './scheduler.js';
import type { SequenceRequest, TokenEvent } from './sequence.js';

const limits: SchedulerLimits = {
  contextLength: 512,
  pageTokens: 16,
  batchTokens: 32,
  maxRunning: 8,
  maxQueued: 16,
  eosTokenIds: [0],
};
const EOS = 0;

function request(
  id: string,
  promptTokens: number,
  over: Partial<SequenceRequest> & { maxNewTokens?: number } = {},
): SequenceRequest {
  const sampling = { ...GREEDY, maxNewTokens: over.maxNewTokens ?? 4 };
  return {
    id,
    kind: 'generate',
    promptIds: Array.from({ length: promptTokens }, (_, i) => i + 1),
    firstChoice: 0,
    choices: 1,
    ...over,
    sampling,
  };
}

/** A model whose next token is a hash of all tokens before it and of the choice: forks, chunks and retractions must not change it. */
function nextToken(tokens: readonly number[], choice: number): number {
  return (tokens.reduce((hash, token) => Math.imul(hash ^ token, 0x01000193) >>> 0, 0x811c9dc5 + choice) % 997) + 1;
}

class Rig {
  readonly pool: PagePool;
  readonly scheduler: Scheduler;
  readonly events: TokenEvent[] = [];

  constructor(pages = 64, over: Partial<SchedulerLimits> = {}) {
    this.pool = new PagePool(pages);
    this.scheduler = new Scheduler({ ...limits, ...over }, this.pool, () => {});
  }

  sample(batch: ScheduledBatch): Int32Array {
    const out: number[] = [];
    batch.sequences.forEach((sequence, i) => {
      if (batch.forward.runs[i]!.tokens < sequence.remaining) return;
      for (let fork = 0; fork < sequence.forks; fork++) out.push(nextToken(sequence.tokens, sequence.choice + fork));
    });
    return Int32Array.from(out);
  }

  step(): ScheduledBatch | undefined {
    const batch = this.scheduler.schedule();
    if (batch) this.events.push(...this.scheduler.complete(batch, this.sample(batch)));
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

function expected(prompt: readonly number[], count: number, choice = 0): number[] {
  const tokens = [...prompt];
  while (tokens.length < prompt.length + count) tokens.push(nextToken(tokens, choice));
  return tokens.slice(prompt.length);
}

describe('Scheduler', () => {
  it('computes a prompt in chunks and samples after the last', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 70));
    const chunks = [rig.step()!, rig.step()!, rig.step()!].map((batch) => batch.forward.runs[0]!);
    expect(chunks.map((run) => [run.position, run.tokens, run.pages.length])).toEqual([
      [0, 32, 2],
      [32, 32, 4],
      [64, 6, 5],
    ]);
    rig.drain();
    expect(rig.text('a')).toEqual(expected(request('a', 70).promptIds, 4));
    expect(rig.pool.used).toBe(0);
  });

  it('puts decoding sequences before chunks of prompts', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 5));
    rig.step();
    rig.scheduler.add(request('b', 60));
    expect(rig.step()!.forward.runs.map((run) => run.tokens)).toEqual([1, 31]);
  });

  it('ends at the end token, at the wanted length and at the context', () => {
    const rig = new Rig(64, { contextLength: 12 });
    rig.scheduler.add(request('length', 5, { maxNewTokens: 2 }));
    rig.scheduler.add(request('context', 8, { maxNewTokens: 100 }));
    rig.scheduler.add(request('eos', 5));
    const first = rig.scheduler.schedule()!;
    const events = rig.scheduler.complete(first, Int32Array.from([7, 7, EOS]));
    expect(events.map((event) => event.finish)).toEqual([null, null, 'stop']);
    rig.events.push(...events);
    rig.drain();
    expect(rig.events.filter((event) => event.finish === 'length').map((event) => [event.id, event.index])).toEqual([
      ['length', 1],
      ['context', 3],
    ]);
  });

  it('refuses what can never run and what is too much', () => {
    const rig = new Rig(4, { maxQueued: 2 });
    expect(() => rig.scheduler.add(request('a', 64))).toThrow(expect.objectContaining({ code: 'prompt_too_long' }));
    rig.scheduler.add(request('b', 63));
    expect(() => rig.scheduler.add(request('b', 5))).toThrow(expect.objectContaining({ code: 'bad_message' }));
    rig.scheduler.add(request('c', 5));
    expect(() => rig.scheduler.add(request('d', 5))).toThrow(expect.objectContaining({ code: 'queue_full' }));
    expect(() => rig.scheduler.add(request('e', 0))).toThrow(expect.objectContaining({ code: 'bad_message' }));
  });

  it('forks n choices that share the full pages of their prompt', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 32, { choices: 3, maxNewTokens: 6 }));
    rig.step();
    rig.step();
    expect(rig.pool.used).toBe(2 + 3);
    rig.drain();
    for (const choice of [0, 1, 2])
      expect(rig.text('a', choice)).toEqual(expected(request('a', 32).promptIds, 6, choice));
    expect(rig.pool.used).toBe(0);
  });

  it('never runs more continuations than it has places for', () => {
    const rig = new Rig(64, { maxRunning: 4 });
    for (const id of ['a', 'b', 'c']) rig.scheduler.add(request(id, 5, { choices: 3, maxNewTokens: 6 }));
    for (let batch; (batch = rig.step());) expect(batch.forward.runs.length).toBeLessThanOrEqual(4);
    for (const id of ['a', 'b', 'c']) for (const choice of [0, 1, 2]) expect(rig.text(id, choice)).toHaveLength(6);
  });

  it('takes no page to start a single continuation', () => {
    const rig = new Rig(2);
    rig.scheduler.reserve(request('a', 20, { kind: 'decode' }), () => {});
    expect(rig.scheduler.start('a', [7])).toEqual([0]);
    expect(rig.scheduler.schedule()!.forward.runs).toMatchObject([{ tokens: 1, position: 20 }]);
  });

  it('says which continuations have no room to go on', () => {
    const rig = new Rig(64, { contextLength: 32 });
    rig.scheduler.reserve(request('a', 31, { kind: 'decode', choices: 2 }), () => {});
    expect(rig.scheduler.start('a', [7, 8])).toEqual([]);
    expect(rig.pool.used).toBe(0);
  });

  it('lets a retracted sequence go on before newer reservations', () => {
    const rig = new Rig(5);
    rig.scheduler.add(request('old', 30, { maxNewTokens: 30 }));
    rig.scheduler.add(request('young', 28, { maxNewTokens: 30 }));
    while (rig.step()!.retracted.length === 0);
    const tokensOfYoung: number[] = [];
    for (const id of ['new', 'newer']) {
      rig.scheduler.reserve(request(id, 20, { kind: 'decode' }), () => tokensOfYoung.push(rig.text('young').length));
    }
    rig.drain();
    // Granted in the step that gives the last token.
    expect(tokensOfYoung).toEqual([29, 29]);
    expect(rig.text('young')).toEqual(expected(request('young', 28).promptIds, 30));
  });

  it('holds the pages of a prefill until they are released', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 20, { kind: 'prefill', choices: 2 }));
    rig.drain();
    expect(rig.events.map((event) => [event.choice, event.index])).toEqual([
      [0, 0],
      [1, 0],
    ]);
    expect(rig.pool.used).toBe(2);
    rig.scheduler.release('a');
    expect([rig.pool.used, rig.scheduler.liveIds]).toEqual([0, []]);
  });

  it('grants reservations in order as pages come free, and starts them from their first tokens', () => {
    const rig = new Rig(5);
    const granted: string[] = [];
    for (const id of ['a', 'b', 'c'])
      rig.scheduler.reserve(request(id, 30, { kind: 'decode' }), () => granted.push(id));
    expect(granted).toEqual(['a', 'b']);
    const first = expected(request('a', 30).promptIds, 1);
    rig.scheduler.start('a', first);
    rig.scheduler.release('b');
    rig.drain();
    expect(granted).toEqual(['a', 'b', 'c']);
    expect([...first, ...rig.text('a')]).toEqual(expected(request('a', 30).promptIds, 4));
    rig.scheduler.abort('c');
    expect([rig.pool.used, rig.scheduler.liveIds]).toEqual([0, []]);
  });

  it('frees an aborted sequence when the batch that computes it is done', () => {
    const rig = new Rig();
    rig.scheduler.add(request('a', 20));
    rig.scheduler.add(request('b', 10));
    const batch = rig.scheduler.schedule()!;
    expect(rig.scheduler.abort('a')).toBe(true);
    expect(rig.pool.used).toBe(3);
    expect(rig.scheduler.complete(batch, Int32Array.from([5, 6])).map((event) => [event.id, event.token])).toEqual([
      ['b', 6],
    ]);
    expect(rig.pool.used).toBe(1);
    expect(rig.scheduler.abort('a')).toBe(false);
  });

  it('retracts the youngest when pages run out, and its text is the same', () => {
    const rig = new Rig(5);
    rig.scheduler.add(request('old', 30, { maxNewTokens: 30 }));
    rig.scheduler.add(request('young', 28, { maxNewTokens: 30 }));
    let retracted = 0;
    for (let batch; (batch = rig.step());) retracted += batch.retracted.length;
    expect(retracted).toBeGreaterThan(0);
    expect(rig.text('old')).toEqual(expected(request('old', 30).promptIds, 30));
    expect(rig.text('young')).toEqual(expected(request('young', 28).promptIds, 30));
    expect(rig.pool.used).toBe(0);
  });

  it.each(Array.from({ length: 40 }, (_, i) => i + 1))('loses no token and no page over random program %i', (seed) => {
    let state = seed;
    const random = (below: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % below;
    const rig = new Rig(12 + random(20), { maxRunning: 4, maxQueued: 64 });
    const requests = new Map<string, SequenceRequest>();
    const granted: string[] = [];
    const aborted = new Set<string>();

    const serveOutside = (): void => {
      for (const id of granted.splice(0)) {
        const { promptIds, choices } = requests.get(id)!;
        if (aborted.has(id)) continue;
        rig.scheduler.start(
          id,
          Array.from({ length: choices }, (_, choice) => expected(promptIds, 1, choice)[0]!),
        );
      }
      for (const event of rig.events) if (requests.get(event.id)!.kind === 'prefill') rig.scheduler.release(event.id);
    };

    for (let i = 0; i < 60; i++) {
      const kind = (['generate', 'prefill', 'decode'] as const)[random(3)]!;
      const wanted = request(`r${i}`, 1 + random(60), { kind, choices: 1 + random(3), maxNewTokens: 1 + random(40) });
      requests.set(wanted.id, wanted);
      if (kind === 'decode') rig.scheduler.reserve(wanted, () => granted.push(wanted.id));
      else rig.scheduler.add(wanted);
      const batch = random(3) > 0 ? rig.scheduler.schedule() : undefined;
      const victim = `r${random(i + 1)}`;
      if (random(5) === 0 && rig.scheduler.abort(victim)) aborted.add(victim);
      if (batch) rig.events.push(...rig.scheduler.complete(batch, rig.sample(batch)));
      if (random(2) === 0) serveOutside();
    }
    for (let steps = 0; rig.scheduler.liveIds.length > 0; steps++) {
      serveOutside();
      rig.step();
      if (steps > 20_000) throw new Error(`stuck with ${rig.scheduler.liveIds.join(', ')}`);
    }
    for (const { id, kind, choices, promptIds, sampling } of requests.values()) {
      if (aborted.has(id)) continue;
      for (let choice = 0; choice < choices; choice++) {
        const tokens = expected(promptIds, kind === 'prefill' ? 1 : sampling.maxNewTokens, choice);
        expect([id, choice, rig.text(id, choice)]).toEqual([id, choice, kind === 'decode' ? tokens.slice(1) : tokens]);
      }
    }
    expect([rig.pool.used, rig.scheduler.load]).toEqual([0, { running: 0, waiting: 0, queuedTokens: 0 }]);
  });
});
