import type { ModelConfig } from '@sliceway/model';

/** What two engines must agree on before KV moves between them. */
export interface KvFormat {
  readonly engine: string;
  readonly dtype: 'f32' | 'f16';
  readonly pageTokens: number;
  /** Half-open ranges of what one side holds. */
  readonly layers: readonly [from: number, to: number];
  readonly kvHeads: readonly [from: number, to: number];
  readonly headDim: number;
  /** Order of a page block's axes; see attention.ts. */
  readonly layout: string;
  readonly fingerprint: string;
}

/** The format of this engine's KV, of all layers and heads of a model. */
export function kvFormatOf(
  { layers, kvHeads, headDim }: Pick<ModelConfig, 'layers' | 'kvHeads' | 'headDim'>,
  pageTokens: number,
  fingerprint: string,
): KvFormat {
  return {
    engine: 'sliceway',
    dtype: 'f32',
    pageTokens,
    layers: [0, layers],
    kvHeads: [0, kvHeads],
    headDim,
    layout: 'k[head][dim][token] v[head][token][dim]',
    fingerprint,
  };
}

/** Names the first field in which two formats differ, or undefined when they are equal. */
export function kvFormatMismatch(a: KvFormat, b: KvFormat): string | undefined {
  for (const key of [
    'engine',
    'dtype',
    'pageTokens',
    'layers',
    'kvHeads',
    'headDim',
    'layout',
    'fingerprint',
  ] as const) {
    if (String(a[key]) !== String(b[key])) return `${key}: ${String(a[key])} against ${String(b[key])}`;
  }
  return undefined;
}

/** Bytes of one layer's block of one page: K and V. */
export function pageBlockBytes(format: KvFormat): number {
  const elements = 2 * (format.kvHeads[1] - format.kvHeads[0]) * format.headDim * format.pageTokens;
  return elements * (format.dtype === 'f32' ? 4 : 2);
}
