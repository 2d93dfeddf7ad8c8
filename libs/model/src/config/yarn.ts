/**
 * What yarn multiplies cosines and sines by (YaRN, section 3.4: the square root of 1/t).
 *
 * @param scale 1 where a model (DeepSeek's) does not weigh the logarithm
 */
export function yarnAttentionFactor(factor: number, scale = 1): number {
  return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
}
