import type { Answer } from './stream-client.js';

/** A stretch of `performance.now()`. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Tokens a second that arrived within the window, of answers that ended well. The tokens of an answer are spread evenly from its first byte to its
 * last: whole answers would come in waves, and a window's edge would cut or count a wave.
 */
export function goodput(answers: readonly Answer[], tokensEach: number, { fromMs, toMs }: Window): number {
  const tokens = answers
    .filter(({ status }) => status === 200)
    .reduce((sum, { firstMs, endMs }) => {
      const insideMs = Math.min(endMs, toMs) - Math.max(firstMs, fromMs);
      return sum + (Math.max(0, insideMs) / Math.max(endMs - firstMs, 1e-3)) * tokensEach;
    }, 0);
  return (tokens / (toMs - fromMs)) * 1000;
}

/** Answers that began within the window. */
export function startedIn(answers: readonly Answer[], { fromMs, toMs }: Window): Answer[] {
  return answers.filter(({ startMs }) => startMs >= fromMs && startMs < toMs);
}

/** The nearest-rank percentile of how long they took, in ms; NaN of none. */
export function latencyMs(answers: readonly Answer[], percent: number): number {
  const sorted = answers.map(({ startMs, endMs }) => endMs - startMs).sort((a, b) => a - b);
  return sorted[Math.ceil((percent / 100) * sorted.length) - 1] ?? NaN;
}
