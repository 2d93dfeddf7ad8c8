import type { TokenLogprobs } from './sampling.js';
import { argmax } from './argmax.js';
import type { Likeliest } from './likeliest.js';
import { softmaxScale, softmaxWeight } from './softmax-weight.js';

const SCALE = softmaxScale(1);

/**
 * The log-softmax, in double precision, of one token and of the `wanted` likeliest. Logits of infinity share all
 * probability; where none is above -Infinity, all share it.
 */
export function logprobsOf(logits: Float32Array, token: number, wanted: number, likeliest: Likeliest): TokenLogprobs {
  const highest = logits[argmax(logits)]!;
  // Infinity less itself is NaN: equals are compared first.
  const below = (logit: number): number => (logit === highest ? 0 : logit - highest);
  let total = 0;
  if (Number.isFinite(highest)) {
    for (let id = 0; id < logits.length; id++) total += softmaxWeight((logits[id]! - highest) * SCALE);
  } else {
    for (let id = 0; id < logits.length; id++) if (logits[id] === highest) total++;
  }
  const logTotal = Math.log(total);
  const top: { token: number; logprob: number }[] = [];
  if (wanted > 0) {
    likeliest.takeTop(logits, Math.min(wanted, logits.length));
    for (let i = 0; i < likeliest.count; i++) {
      const id = likeliest.ids[i]!;
      top.push({ token: id, logprob: below(logits[id]!) - logTotal });
    }
    top.sort((a, b) => logits[b.token]! - logits[a.token]! || a.token - b.token);
  }
  return { logprob: below(logits[token]!) - logTotal, top };
}
