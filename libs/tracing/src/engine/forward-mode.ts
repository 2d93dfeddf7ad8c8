import type { ObservedBatch } from './observed-engine.js';

/** What a forward computes: prompts (or what was retracted, again), next tokens, or both. */
export type ForwardMode = 'prefill' | 'decode' | 'mixed';

export function forwardMode({ forward: { runs }, sequences }: ObservedBatch): ForwardMode {
  let next = 0;
  for (let i = 0; i < runs.length; i++) {
    const { tokens, position } = runs[i]!;
    if (tokens === 1 && position >= sequences[i]!.request.promptIds.length) next++;
  }
  if (next === runs.length) return 'decode';
  return next === 0 ? 'prefill' : 'mixed';
}
