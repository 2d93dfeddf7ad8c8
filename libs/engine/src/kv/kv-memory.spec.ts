import { kvFormatMismatch, type KvFormat } from './kv-format.js';
import { KvMemory } from './kv-memory.js';

const format: KvFormat = {
  engine: 'sliceway',
  dtype: 'f32',
  pageTokens: 16,
  layers: [0, 3],
  kvHeads: [0, 2],
  headDim: 16,
  layout: 'x',
  fingerprint: 'f',
};

describe('KvMemory', () => {
  it('views a segment layer by layer, page by page, without copying', () => {
    const kv = new KvMemory(format, 8, 1000);
    const segment = { layerFrom: 1, layerTo: 3, tokenFrom: 16, tokenTo: 40 };
    const views = kv.views([7, 2, 5], segment);
    expect(views.map((view) => view.byteOffset)).toEqual(
      [1, 2].flatMap((layer) => [2, 5].map((page) => 65_536 + (layer * 8 + page) * 4096)),
    );
    views[0]![0] = 42;
    expect(kv.views([7, 2, 5], segment)[0]![0]).toBe(42);
  });

  it('copies a page in every layer', () => {
    const kv = new KvMemory(format, 4, 0);
    const all = { layerFrom: 0, layerTo: 3, tokenFrom: 0, tokenTo: 16 };
    kv.views([1], all).forEach((view, layer) => view.fill(layer + 1));
    kv.copyPage(1, 3);
    expect(kv.views([3], all).map((view) => [view[0], view[4095]])).toEqual([
      [1, 1],
      [2, 2],
      [3, 3],
    ]);
    expect(kv.views([2], all).every((view) => view.every((byte) => byte === 0))).toBe(true);
  });

  it('says what to do when the pages do not fit', () => {
    expect(() => new KvMemory(format, 400_000, 0)).toThrow(
      /400000 KV pages and the scratch of attention need 4\.58 GiB.*use a smaller kvMemoryMb/,
    );
  });
});

describe('kvFormatMismatch', () => {
  it('names the first difference', () => {
    expect(kvFormatMismatch(format, { ...format })).toBeUndefined();
    expect(kvFormatMismatch(format, { ...format, dtype: 'f16' })).toBe('dtype: f32 against f16');
    expect(kvFormatMismatch(format, { ...format, kvHeads: [0, 1] })).toBe('kvHeads: 0,2 against 0,1');
  });
});
