import type { KvFormat, Load, Serves } from '@sliceway/protocol';
import type { Worker } from './worker-directory.js';

const KV_FORMAT: KvFormat = {
  engine: 'sliceway',
  dtype: 'f32',
  pageTokens: 16,
  layers: [0, 30],
  kvHeads: [0, 3],
  headDim: 64,
  layout: 'page-major',
  fingerprint: 'a',
};

type ServesPatch = Partial<Omit<Serves, 'kvFormat'>> & { readonly kvFormat?: Partial<KvFormat> };

/** A ready, idle worker of model `m`, other than what the arguments say. */
export function worker(instance: string, serves: ServesPatch = {}, load: Partial<Load> = {}): Worker {
  const fingerprint = serves.fingerprint ?? 'a';
  return {
    instance,
    startedAtMs: 1000,
    load: {
      running: 0,
      waiting: 0,
      queuedTokens: 0,
      kvPagesUsed: 0,
      kvPagesTotal: 100,
      maxRunning: 16,
      ...load,
    },
    serves: {
      model: 'm',
      contextLength: 2048,
      backend: 'wasm',
      transports: ['nats'],
      eosTokenIds: [2],
      ...serves,
      fingerprint,
      kvFormat: { ...KV_FORMAT, fingerprint, ...serves.kvFormat },
    },
  };
}
