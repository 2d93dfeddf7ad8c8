import type { KvFormat } from '@sliceway/protocol';
import { kvFormatMismatch } from './kv-format-mismatch.js';
import { KV_FORMAT } from './transfer.fixture.js';

describe('kvFormatMismatch', () => {
  it('is undefined for equal formats, also when parsed from a message', () => {
    expect(kvFormatMismatch(KV_FORMAT, JSON.parse(JSON.stringify(KV_FORMAT)) as KvFormat)).toBeUndefined();
  });

  it.each<Partial<KvFormat>>([
    { engine: 'other' },
    { dtype: 'f16' },
    { pageTokens: 32 },
    { layers: [1, 100] },
    { kvHeads: [0, 1] },
    { headDim: 65 },
    { layout: 'another' },
    { fingerprint: 'beef' },
  ])('names the field: %j', (over) => {
    const [field] = Object.keys(over);
    expect(kvFormatMismatch(KV_FORMAT, { ...KV_FORMAT, ...over })).toMatch(new RegExp(`^${field} of the KV is `));
  });
});
