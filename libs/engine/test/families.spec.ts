import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalEngine } from '@sliceway/engine';
import { tinyFamily, type FamilySpec } from '@sliceway/testing';
import { largestDifference, logitsOf } from './logits.fixture.js';

/** By transformers on torch; see reference/make-families-reference.py. */
interface Reference {
  readonly promptIds: readonly number[];
  readonly positions: readonly number[];
  readonly families: readonly (FamilySpec & { readonly logits: readonly (readonly number[])[] })[];
}

const TOLERANCE = 1e-3;
const COMPUTERS = (['wasm', 'node'] as const).flatMap((backend) =>
  (['simd', 'tensor'] as const).map((attention) => ({ backend, attention })),
);
const { promptIds, positions, families } = JSON.parse(
  readFileSync(new URL('../../test/reference/families.json', import.meta.url), 'utf8'),
) as Reference;
const folder = mkdtempSync(join(tmpdir(), 'sliceway-families-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(COMPUTERS)('on $backend, attention $attention', (computer) => {
  it.each(families)('$name: the logits of transformers within 1e-3', async (family) => {
    const logits = await logitsOf(tinyFamily(folder, family, 'safetensors'), promptIds, positions, computer);
    expect(largestDifference(logits, family.logits)).toBeLessThan(TOLERANCE);
  });
});

it.each(families)('$name: GGUF gives the logits that safetensors give', async (family) => {
  const logits = await logitsOf(tinyFamily(folder, family, 'safetensors'), promptIds, positions);
  const converted = await logitsOf(tinyFamily(folder, family, 'gguf'), promptIds, positions);
  // The same weights; llama3's factors are rounded to f32 on their way through the file.
  expect(largestDifference(converted, logits)).toBeLessThanOrEqual(family.name === 'llama-llama3' ? 1e-5 : 0);
});

it.each([
  ['qwen2-tied', 'safetensors', 2],
  ['llama-bias', 'safetensors', 1],
  ['llama-llama3', 'gguf', 1],
] as const)('%s, %s in %i: the engine takes it and picks the likeliest token', async (name, format, shards) => {
  const family = families.find((one) => one.name === name)!;
  const path = tinyFamily(folder, { ...family, name: `${name}-served` }, format, { shards });
  const local = await LocalEngine.start({ modelPath: path, backend: 'wasm', kvMemoryMb: 4 });
  const tokens: number[] = [];
  for await (const { token } of local.generateTokens({ ids: promptIds }, { maxNewTokens: 1, ignoreEos: true }))
    tokens.push(token);
  await local.close();
  const last = family.logits[positions.indexOf(promptIds.length - 1)]!;
  expect(tokens).toEqual([last.indexOf(Math.max(...last))]);
});
