import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalEngine } from '@sliceway/engine';
import { tinyModel } from '@sliceway/testing';

const reference = JSON.parse(
  readFileSync(new URL('../../test/reference/tiny-llama.json', import.meta.url), 'utf8'),
) as {
  readonly generator: { readonly seed: number };
  readonly promptIds: readonly number[];
  readonly tokenIds: readonly number[];
};

it('gives the greedy tokens of llama.cpp on the tiny random model', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-tiny-'));
  const modelPath = tinyModel(folder, { seed: reference.generator.seed, specialTokens: false });
  const local = await LocalEngine.start({ modelPath, backend: 'wasm', kvMemoryMb: 4 });
  const tokens: number[] = [];
  for await (const { token } of local.generateTokens(
    { ids: reference.promptIds },
    { maxNewTokens: 16, ignoreEos: true },
  ))
    tokens.push(token);
  await local.close();
  rmSync(folder, { recursive: true });
  expect(tokens).toEqual(reference.tokenIds);
});
