import { NumberHeap } from './number-heap.js';

/** Smaller ranks first; null where a pair is never merged. */
export type PairRank = (text: string, start: number, middle: number, end: number) => number | null;

const NO_PAIR = -1;
/** More symbols than a text has; `rank * MAX_SYMBOLS + position` is exact in a double. */
const MAX_SYMBOLS = 2 ** 31;

/**
 * Byte pair encoding: of all neighbours that may be merged the pair of the lowest rank is, the left-most of equal ones, until
 * none is left. Symbols begin as characters. Time grows as n log n with the length of the text.
 *
 * @param rankOf rank of two neighbours: `text` from `start` to `middle`, and to `end`; an integer below 2^22
 */
export function mergeSymbols(text: string, rankOf: PairRank): string[] {
  const starts = symbolStarts(text);
  const count = starts.length - 1;
  // Symbol i spans the text from starts[i] to starts[next[i]]; the first one stays 0.
  const next = Uint32Array.from(starts, (_, i) => Math.min(i + 1, count));
  const previous = Int32Array.from(starts, (_, i) => i - 1);
  // Rank of a symbol and its next one. A queued pair of another rank is of the past.
  const pairRanks = new Float64Array(count).fill(NO_PAIR);
  const queue = new NumberHeap(count);
  const addPair = (left: number): void => {
    const right = next[left]!;
    const rank = right < count ? rankOf(text, starts[left]!, starts[right]!, starts[next[right]!]!) : null;
    pairRanks[left] = rank ?? NO_PAIR;
    if (rank !== null) queue.push(rank * MAX_SYMBOLS + left);
  };
  for (let i = 0; i < count; i++) addPair(i);
  for (let best = queue.pop(); best !== undefined; best = queue.pop()) {
    const rank = Math.floor(best / MAX_SYMBOLS);
    const left = best - rank * MAX_SYMBOLS;
    if (pairRanks[left] !== rank) continue;
    const right = next[left]!;
    next[left] = next[right]!;
    previous[next[right]!] = left;
    pairRanks[right] = NO_PAIR;
    addPair(left);
    if (left > 0) addPair(previous[left]!);
  }
  const symbols: string[] = [];
  for (let i = 0; i < count; i = next[i]!) symbols.push(text.slice(starts[i], starts[next[i]!]));
  return symbols;
}

/** Where each character begins, and the end. */
function symbolStarts(text: string): Uint32Array {
  const starts = new Uint32Array(text.length + 1);
  let count = 0;
  for (let i = 0; i < text.length; i += text.codePointAt(i)! > 0xffff ? 2 : 1) starts[count++] = i;
  starts[count++] = text.length;
  return starts.subarray(0, count);
}
