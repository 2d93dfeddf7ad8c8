/**
 * A uniform number in [0, 1) that depends on its arguments alone: no generator state travels between workers, and a
 * sequence that is computed again draws the same tokens. Rounds of murmur3's finalizer; 53 bits are used.
 */
export function uniformNoise(seed: number, choice: number, index: number): number {
  let a = mix(seed ^ 0x9e3779b9);
  a = mix(a ^ Math.imul(choice + 1, 0x85ebca6b));
  a = mix(a ^ Math.imul(index + 1, 0xc2b2ae35));
  const b = mix(a ^ 0x27d4eb2f);
  return ((a >>> 5) * 67_108_864 + (b >>> 6)) / 9_007_199_254_740_992;
}

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
