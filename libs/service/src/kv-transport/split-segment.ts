import type { KvSegment } from './kv-transport.js';

/** Parts of a segment with at most `maxBlocks` page blocks: whole layers where one fits, else runs of pages of one layer. */
export function splitSegment(segment: KvSegment, pageTokens: number, maxBlocks: number): KvSegment[] {
  const { layerFrom, layerTo, tokenFrom, tokenTo } = segment;
  const pages = Math.ceil((tokenTo - tokenFrom) / pageTokens);
  const layers = Math.max(1, Math.floor(maxBlocks / pages));
  const tokens = Math.min(pages, maxBlocks) * pageTokens;
  const parts: KvSegment[] = [];
  for (let layer = layerFrom; layer < layerTo; layer += layers) {
    for (let token = tokenFrom; token < tokenTo; token += tokens) {
      parts.push({
        layerFrom: layer,
        layerTo: Math.min(layer + layers, layerTo),
        tokenFrom: token,
        tokenTo: Math.min(token + tokens, tokenTo),
      });
    }
  }
  return parts;
}
