import { readFileSync } from 'node:fs';
import { logitsOf } from './logits.fixture.js';

interface Reference {
  readonly prompts: readonly { readonly name: string; readonly promptIds: readonly number[] }[];
  readonly promptLogits: {
    readonly name: string;
    readonly vocabIds: readonly number[];
    readonly positions: readonly {
      readonly max: number;
      readonly logSumExp: number;
      readonly logits: readonly number[];
    }[];
  };
}

const file = new URL('../../test/reference/reference.json', import.meta.url);
const { prompts, promptLogits } = JSON.parse(readFileSync(file, 'utf8')) as Reference;

it('gives the logits of llama.cpp on f32 weights within 0.01, at every position of a prompt', async () => {
  const ids = prompts.find(({ name }) => name === promptLogits.name)!.promptIds;
  expect(promptLogits.positions).toHaveLength(ids.length);
  const rows = await logitsOf(process.env['SLICEWAY_MODEL']!, ids);
  let largest = 0;
  rows.forEach((logits, position) => {
    const expected = promptLogits.positions[position]!;
    promptLogits.vocabIds.forEach(
      (id, i) => (largest = Math.max(largest, Math.abs(logits[id]! - expected.logits[i]!))),
    );
    const max = logits.reduce((a, b) => Math.max(a, b));
    const logSumExp = max + Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - max), 0));
    largest = Math.max(largest, Math.abs(max - expected.max), Math.abs(logSumExp - expected.logSumExp));
  });
  expect(largest).toBeLessThan(0.01);
  expect(largest).toBeGreaterThan(0);
});
