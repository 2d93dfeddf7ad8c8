import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalEngine, type GenerateParams, type TokenEvent } from '@sliceway/engine';
import { tinyModel } from '@sliceway/testing';

const PROMPT = { ids: Array.from({ length: 40 }, (_, i) => (i * 37) % 250) };

describe('decoding with the tiny model', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-decoding-'));
  const modelPath = tinyModel(folder);
  let local: LocalEngine;
  let eos: number;
  beforeAll(async () => {
    local = await LocalEngine.start({ modelPath, backend: 'wasm', kvMemoryMb: 4 });
    eos = local.engine.info.eosTokenIds[0]!;
  });
  afterAll(async () => {
    await local.close();
    rmSync(folder, { recursive: true });
  });

  async function events(params: GenerateParams, engine = local): Promise<TokenEvent[]> {
    const all: TokenEvent[] = [];
    for await (const event of engine.generateTokens(PROMPT, { maxNewTokens: 12, ...params })) all.push(event);
    return all;
  }
  const tokens = async (params: GenerateParams): Promise<number[]> => (await events(params)).map(({ token }) => token);

  it('adds a bias to the logits of each step', async () => {
    expect(await tokens({ logitBias: [[77, 100]], ignoreEos: true })).toEqual(new Array(12).fill(77));
    const banned = (await tokens({}))[0]!;
    expect(await tokens({ logitBias: [[banned, -100]] })).not.toContain(banned);
  });

  it('draws no end token before minTokens, and ends with the first after', async () => {
    const wanted: GenerateParams = { logitBias: [[eos, 100]], minTokens: 5 };
    const ended = await events(wanted);
    expect(ended).toHaveLength(6);
    expect(ended.slice(0, 5).map(({ token }) => token)).not.toContain(eos);
    expect(ended[5]).toMatchObject({ token: eos, finish: 'stop' });
  });

  it('ends at a stop token, which minTokens puts off, too', async () => {
    const stop = { logitBias: [[90, 100] as const], stopTokenIds: [90] };
    expect((await events(stop)).map(({ token, finish }) => [token, finish])).toEqual([[90, 'stop']]);
    expect(await tokens({ ...stop, minTokens: 2 })).toHaveLength(3);
  });

  it('reports the log probability of each token and of the likeliest', async () => {
    for (const { token, logprobs } of await events({ logprobs: 3 })) {
      expect(logprobs!.top).toHaveLength(3);
      expect(logprobs!.top[0]).toEqual({ token, logprob: logprobs!.logprob });
      expect(logprobs!.top.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0)).toBeLessThanOrEqual(1);
    }
    expect((await events({})).every((event) => event.logprobs === undefined)).toBe(true);
    expect(await tokens({ logprobs: 3, temperature: 1, seed: 4 })).toEqual(await tokens({ temperature: 1, seed: 4 }));
  });

  it('penalties reach the tokens of prompt and answer', async () => {
    const plain = await tokens({ ignoreEos: true, maxNewTokens: 60 });
    expect(new Set(plain).size).toBeLessThan(60);
    const once = await tokens({
      ignoreEos: true,
      maxNewTokens: 60,
      presencePenalty: 2,
      frequencyPenalty: 2,
      repetitionPenalty: 2,
    });
    expect(new Set(once).size).toBeGreaterThan(new Set(plain).size);
  });

  it('choices are forks of one prefill: each has the text of its own seed index', async () => {
    const params: GenerateParams = { temperature: 1.5, seed: 9, ignoreEos: true };
    const all = await events({ ...params, choices: 4 });
    const texts = [0, 1, 2, 3].map((choice) => all.filter((e) => e.choice === choice).map(({ token }) => token));
    expect(new Set(texts.map(String)).size).toBe(4);
    expect(await tokens(params)).toEqual(texts[0]);
  });

  it.each([
    [{ temperature: -1 }, /temperature/],
    [{ topP: 0 }, /topP/],
    [{ minP: 1.1 }, /minP/],
    [{ presencePenalty: 2.1 }, /presencePenalty/],
    [{ repetitionPenalty: 0 }, /repetitionPenalty/],
    [{ logitBias: [[9999, 1] as const] }, /9999/],
    [{ logprobs: 21 }, /logprobs/],
    [{ minTokens: 13 }, /minTokens/],
    [{ stopTokenIds: [-1] }, /stopTokenIds/],
  ])('refuses %j', async (params, message) => {
    await expect(events(params)).rejects.toMatchObject({
      code: 'bad_message',
      message: expect.stringMatching(message),
    });
    expect(local.engine.load).toMatchObject({ running: 0, waiting: 0, kvPagesUsed: 0 });
  });

  it('refuses a prompt token outside the vocabulary', async () => {
    const ask = async () => {
      for await (const event of local.generateTokens({ ids: [1, 5000] })) void event;
    };
    await expect(ask()).rejects.toMatchObject({ code: 'bad_message', message: expect.stringMatching(/5000/) });
  });

  it('recomputes what was retracted, with the same text', async () => {
    // 12 pages of 16 tokens for four sequences of up to 100.
    const pages = 12 * local.engine.info.pageBlockBytes * 2;
    const small = await LocalEngine.start({ modelPath, backend: 'wasm', kvMemoryMb: pages / 2 ** 20, batchTokens: 32 });
    let retracted = 0;
    small.engine.observer = { onSchedule: (batch) => (retracted += batch.retracted.length), onForward() {} };
    const params = [0, 1, 2, 3].map((seed): GenerateParams => ({
      temperature: 1,
      seed,
      ignoreEos: true,
      maxNewTokens: 60,
      frequencyPenalty: 0.5,
      logprobs: 1,
    }));
    const crowded = await Promise.all(params.map((one) => events(one, small)));
    for (const [i, one] of params.entries())
      expect(crowded[i]!.map(({ token, logprobs, index }) => [token, logprobs, index])).toEqual(
        (await events(one)).map(({ token, logprobs, index }) => [token, logprobs, index]),
      );
    expect(retracted).toBeGreaterThan(0);
    expect(small.engine.load).toMatchObject({ kvPagesUsed: 0, running: 0, waiting: 0 });
    await small.close();
  });
});
