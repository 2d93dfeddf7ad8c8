import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GREEDY,
  startEngine,
  type EngineWorker,
  type KvSegment,
  type SequenceRequest,
  type TokenEvent,
} from '@sliceway/engine';
import { tinyModel } from '@sliceway/testing';

/** An engine whose events are kept. */
class Watched {
  readonly tokens: TokenEvent[] = [];
  readonly segments: { id: string; segment: KvSegment }[] = [];
  readonly failures: { id: string; error: Error }[] = [];
  #waiting: (() => void)[] = [];

  constructor(readonly engine: EngineWorker) {
    engine.listener = {
      onStep: ({ tokens }) => {
        this.tokens.push(...tokens);
        for (const wake of this.#waiting.splice(0)) wake();
      },
      onKvReady: (id, segment) => this.segments.push({ id, segment }),
      onFailure: (id, error) => this.failures.push({ id, error }),
      onDeath: () => {},
    };
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Waits until `count` choices of a request have ended. */
  ended(id: string, count = 1): Promise<void> {
    return this.until(() => this.tokens.filter((token) => token.id === id && token.finish).length === count);
  }

  events(id: string, choice = 0): TokenEvent[] {
    return this.tokens.filter((token) => token.id === id && token.choice === choice);
  }

  text(id: string, choice = 0): number[] {
    return this.events(id, choice).map(({ token }) => token);
  }
}

/** wasm gives the same bits whatever is in the batch; TensorFlow's products do not, so that near ties may fall otherwise. */
const COMPUTERS = [
  { backend: 'wasm', attention: 'simd', exact: true },
  { backend: 'node', attention: 'simd', exact: false },
  { backend: 'node', attention: 'tensor', exact: false },
] as const;
const NEAR_TIE = 1e-3;

describe.each(COMPUTERS)('engines on $backend, attention $attention', ({ backend, attention, exact }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-engine-'));
  let local: Watched;
  let prefill: Watched;
  let decode: Watched;
  let baseline: number;

  beforeAll(async () => {
    const modelPath = tinyModel(folder);
    const options = { modelPath, backend, attention, kvMemoryMb: 4, batchTokens: 64 };
    [local, prefill, decode] = await Promise.all([0, 1, 2].map(async () => new Watched(await startEngine(options))));
    local.engine.submit(request('warm', 3, { maxNewTokens: 1 }));
    await local.ended('warm');
    baseline = local.engine.load.tensors;
  });

  afterAll(async () => {
    await Promise.all([local, prefill, decode].map((watched) => watched.engine.close()));
    rmSync(folder, { recursive: true });
  });

  function request(
    id: string,
    promptTokens: number,
    over: Partial<SequenceRequest['sampling']> & Partial<SequenceRequest> = {},
  ): SequenceRequest {
    const { kind = 'generate', choices = 1, firstChoice = 0, promptIds, ...sampling } = over;
    const ids = promptIds ?? Array.from({ length: promptTokens }, (_, i) => (i * 37 + promptTokens) % 250);
    return {
      id,
      kind,
      choices,
      firstChoice,
      promptIds: ids,
      sampling: { ...GREEDY, maxNewTokens: 20, ignoreEos: true, logprobs: exact ? null : 2, ...sampling },
    };
  }

  /** Prompt on `prefill`, its KV moved segment by segment, the rest on `decode`. */
  async function handOff(wanted: SequenceRequest): Promise<number[][]> {
    const { id, choices } = wanted;
    prefill.engine.submit({ ...wanted, kind: 'prefill' });
    await decode.engine.reserve({ ...wanted, kind: 'decode' });
    await prefill.until(() => prefill.tokens.filter((token) => token.id === id).length === choices);
    for (const { segment } of prefill.segments.filter((ready) => ready.id === id)) {
      expect(decode.engine.importKv(id, segment, Buffer.concat(prefill.engine.exportKv(id, segment)!))).toBe(true);
    }
    prefill.engine.release(id);
    const firsts = prefill.tokens.filter((token) => token.id === id).map(({ token }) => token);
    decode.engine.start(id, firsts);
    await decode.ended(id, choices);
    return firsts.map((first, choice) => [first, ...decode.text(id, choice)]);
  }

  /** The same tokens; where `exact` does not hold, up to the first near tie. */
  function expectSame(actual: readonly number[], expected: readonly TokenEvent[], sampled = false): void {
    const tokens = expected.map(({ token }) => token);
    if (exact || actual.every((token, i) => token === tokens[i])) return expect(actual).toEqual(tokens);
    const at = actual.findIndex((token, i) => token !== tokens[i]);
    const [best, second] = expected[at]!.logprobs!.top;
    // A drawn token changes where the noise falls between two, which says nothing of ties: those are compared exactly on wasm.
    if (!sampled) expect(best!.logprob - second!.logprob).toBeLessThan(NEAR_TIE);
  }

  it('reports each part of a prompt once, in order, in whole pages, layer by layer', async () => {
    await handOff(request('segments', 150));
    const parts = prefill.segments
      .filter(({ id }) => id === 'segments')
      .map(({ segment: s }) => [s.tokenFrom, s.tokenTo, s.layerFrom, s.layerTo]);
    expect(parts).toEqual(
      [0, 64, 128].flatMap((from) => [0, 1].map((layer) => [from, Math.min(from + 64, 150), layer, layer + 1])),
    );
  });

  it.each([
    ['greedy', request('greedy', 100)],
    ['sampled', request('sampled', 33, { temperature: 1.2, topP: 0.95, topK: 40, seed: 1234 })],
    ['three choices', request('choices', 47, { temperature: 1, seed: 5, choices: 3 })],
    ['a prompt of one token', request('short', 1)],
  ])('prefill and decode apart give the same tokens as together: %s', async (_, wanted) => {
    local.engine.submit(wanted);
    await local.ended(wanted.id, wanted.choices);
    const together = Array.from({ length: wanted.choices }, (_, choice) => local.events(wanted.id, choice));
    expect(new Set(together.map((events) => String(events.map(({ token }) => token)))).size).toBe(wanted.choices);
    const apart = await handOff(wanted);
    together.forEach((events, choice) => expectSame(apart[choice]!, events, wanted.sampling.temperature > 0));
  });

  it('gives every sequence of a batch the tokens that it gets alone', async () => {
    const many = Array.from({ length: 16 }, (_, i) =>
      request(`many${i}`, 1 + i * 9, { temperature: i % 2, seed: i, maxNewTokens: 5 + i }),
    );
    for (const one of many) local.engine.submit(one);
    await Promise.all(many.map(({ id }) => local.ended(id)));
    for (const one of many) {
      local.engine.submit({ ...one, id: `${one.id}-alone` });
      await local.ended(`${one.id}-alone`);
      expectSame(local.text(`${one.id}-alone`), local.events(one.id), one.sampling.temperature > 0);
    }
  });

  it('frees everything after an abort in each stage', async () => {
    local.engine.submit(request('queued', 500));
    expect(local.engine.abort('queued')).toBe(true);
    local.engine.submit(request('running', 20, { maxNewTokens: 400 }));
    await local.until(() => local.text('running').length > 3);
    expect(local.engine.abort('running')).toBe(true);
    const reserved = decode.engine.reserve(request('reserved', 30, { kind: 'decode' }));
    await reserved;
    expect(decode.engine.abort('reserved')).toBe(true);
    expect(
      decode.engine.importKv('reserved', { layerFrom: 0, layerTo: 1, tokenFrom: 0, tokenTo: 16 }, new Uint8Array(1)),
    ).toBe(false);
    prefill.engine.submit(request('held', 30, { kind: 'prefill' }));
    await prefill.until(() => prefill.text('held').length === 1);
    prefill.engine.abort('held');
    local.engine.submit(request('after', 10));
    await local.ended('after');
    expect([local, prefill, decode].map(({ engine }) => engine.load.kvPagesUsed)).toEqual([0, 0, 0]);
    expect(local.engine.load.tensors).toBe(baseline);
  });

  it('rejects a waiting reservation that is aborted, and grants the next', async () => {
    const pages = decode.engine.info.kvPages;
    const long = decode.engine.info.contextLength - 1;
    const fits = Math.floor((pages * 16) / (long + 1));
    for (let i = 0; i < fits; i++) await decode.engine.reserve(request(`fill${i}`, long, { kind: 'decode' }));
    const refused = decode.engine.reserve(request('refused', long, { kind: 'decode' }));
    decode.engine.abort('refused');
    await expect(refused).rejects.toMatchObject({ code: 'aborted' });
    for (let i = 0; i < fits; i++) decode.engine.abort(`fill${i}`);
    expect(decode.engine.load).toMatchObject({ kvPagesUsed: 0, waiting: 0 });
  });

  it('refuses KV of another size', async () => {
    await decode.engine.reserve(request('size', 16, { kind: 'decode' }));
    const segment = { layerFrom: 0, layerTo: 1, tokenFrom: 0, tokenTo: 16 };
    expect(() => decode.engine.importKv('size', segment, new Uint8Array(7))).toThrow(
      expect.objectContaining({ code: 'kv_format_mismatch' }),
    );
    const outside = [
      { ...segment, layerTo: 3 },
      { ...segment, tokenFrom: 16, tokenTo: 32 },
      { ...segment, tokenFrom: 5 },
    ];
    for (const wrong of outside) {
      expect(() => decode.engine.importKv('size', wrong, new Uint8Array(7))).toThrow(/is not of request size/);
    }
    decode.engine.abort('size');
  });
});
