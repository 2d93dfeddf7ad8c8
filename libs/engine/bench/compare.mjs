// What the engine's benchmarks share: the model's bare matrix products, and two pieces of work timed in turn.
import { matMul, randomUniform } from '@tensorflow/tfjs-core';

/** The matrix products of one forward with `rows` rows, the head on `headRows`, on the weights themselves; nothing else. */
export function products(weights, config, rows, headRows) {
  const widths = [config.hidden, config.ffn, config.heads * config.headDim];
  const inputs = new Map(widths.map((width) => [width, randomUniform([rows, width])]));
  const last = randomUniform([headRows, config.hidden]);
  return {
    run() {
      for (const { qkv, attentionOut, gateUp, down } of weights.layers) {
        for (const weight of [qkv, attentionOut, gateUp, down]) matMul(inputs.get(weight.shape[0]), weight).dispose();
      }
      const logits = matMul(last, weights.head);
      // A GPU is done when its result is here.
      logits.dataSync();
      logits.dispose();
    },
    dispose: () => [...inputs.values(), last].forEach((x) => x.dispose()),
  };
}

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

export async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Runs both in turn; the ratio is the median of the pairs' ratios. Times in ms. */
export async function compare(work, base, rounds) {
  await work();
  await base();
  const pairs = [];
  for (let i = 0; i < rounds; i++) pairs.push({ base: await time(base), ours: await time(work) });
  return {
    ratio: median(pairs.map((pair) => pair.ours / pair.base)),
    base: median(pairs.map((pair) => pair.base)),
    ours: median(pairs.map((pair) => pair.ours)),
  };
}

let state = 1;
export const randomTokens = (count) =>
  Array.from({ length: count }, () => ((state = Math.imul(state, 1664525) + 1013904223) >>> 0) % 49_000);
