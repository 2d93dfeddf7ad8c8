import { readFileSync } from 'node:fs';
import { LocalEngine } from '@sliceway/engine';

/** Greedy continuations by llama.cpp on the same weights in f32; see reference/make-reference.py. */
interface Reference {
  readonly prompts: readonly {
    readonly name: string;
    readonly text: string;
    readonly promptIds: readonly number[];
    readonly tokenIds: readonly number[];
    readonly bestTwo: readonly (readonly [id: number, logit: number, secondId: number, secondLogit: number])[];
  }[];
}

const NEAR_TIE = 0.05;
const folder = new URL('../../test/reference/', import.meta.url);
const { prompts } = JSON.parse(readFileSync(new URL('reference.json', folder), 'utf8')) as Reference;

describe('greedy tokens of SmolLM2 against llama.cpp', () => {
  let local: LocalEngine;
  const agreed: string[] = [];

  beforeAll(async () => {
    local = await LocalEngine.start({ modelPath: process.env['SLICEWAY_MODEL']!, backend: 'wasm', kvMemoryMb: 256 });
  });

  afterAll(() => local.close());

  it.each(prompts)('$name', async ({ name, text, promptIds, tokenIds, bestTwo }) => {
    expect(local.encode(text)).toEqual(promptIds);
    const tokens: number[] = [];
    for await (const { token } of local.generateTokens({ ids: promptIds }, { maxNewTokens: 32, ignoreEos: true }))
      tokens.push(token);
    const difference = tokens.findIndex((token, i) => token !== tokenIds[i]);
    if (difference < 0) return void agreed.push(name);
    const [, best, , second] = bestTwo[difference]!;
    if (best - second <= NEAR_TIE) agreed.push(name);
  });

  it('agrees on at least 9 of 10', () => {
    expect(agreed.length).toBeGreaterThanOrEqual(9);
  });
});
