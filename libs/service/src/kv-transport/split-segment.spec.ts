import type { KvSegment } from './kv-transport.js';
import { splitSegment } from './split-segment.js';

const PAGE_TOKENS = 16;

function blocksOf(segment: KvSegment): string[] {
  const blocks: string[] = [];
  for (let layer = segment.layerFrom; layer < segment.layerTo; layer++) {
    for (let page = segment.tokenFrom / PAGE_TOKENS; page < Math.ceil(segment.tokenTo / PAGE_TOKENS); page++) {
      blocks.push(`${layer}:${page}`);
    }
  }
  return blocks;
}

describe('splitSegment', () => {
  const segment: KvSegment = { layerFrom: 2, layerTo: 9, tokenFrom: 32, tokenTo: 123 };

  it.each([1, 2, 3, 5, 6, 7, 12, 13, 41, 42, 43, 1000])('has every block once, in parts of at most %i', (maxBlocks) => {
    const parts = splitSegment(segment, PAGE_TOKENS, maxBlocks).map(blocksOf);
    for (const part of parts) expect(part.length).toBeLessThanOrEqual(maxBlocks);
    expect(parts.flat().sort()).toEqual(blocksOf(segment).sort());
  });

  it('keeps what fits as it is, and whole layers together', () => {
    expect(splitSegment(segment, PAGE_TOKENS, 42)).toEqual([segment]);
    expect(splitSegment(segment, PAGE_TOKENS, 41).map(({ layerFrom, layerTo }) => [layerFrom, layerTo])).toEqual([
      [2, 8],
      [8, 9],
    ]);
  });

  it('splits one layer only between pages', () => {
    const parts = splitSegment({ layerFrom: 0, layerTo: 1, tokenFrom: 0, tokenTo: 40 }, PAGE_TOKENS, 2);
    expect(parts.map(({ tokenFrom, tokenTo }) => [tokenFrom, tokenTo])).toEqual([
      [0, 32],
      [32, 40],
    ]);
  });
});
