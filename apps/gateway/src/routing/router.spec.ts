import type { WorkerRole } from '@sliceway/protocol';
import { ApiError } from '../openai/api-error.js';
import { Router } from './router.js';
import { worker } from './worker.fixture.js';
import type { Worker } from './worker-directory.js';

const TOKENIZER = worker('0000000f');

function router(workers: Partial<Record<WorkerRole, Worker[]>>): Router {
  return new Router(
    { ready: (role) => workers[role] ?? [] },
    { prefillPolicy: 'round_robin', decodePolicy: 'power_of_two' },
  );
}

function errorOf(act: () => unknown): ApiError {
  try {
    act();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('Expected an ApiError.');
}

describe('Router', () => {
  it('pairs equal fingerprints only, whatever their load', () => {
    const route = router({
      prefill: [worker('000000a1'), worker('000000b1', { fingerprint: 'b' })],
      decode: [worker('000000a2', {}, { running: 50 }), worker('000000b2', { fingerprint: 'b' })],
    }).route(TOKENIZER);
    expect(route.prefill.instance).toBe('000000a1');
    expect(route.decode.instance).toBe('000000a2');
  });

  it('skips a prefill worker without partner', () => {
    const it = router({
      prefill: [worker('00000001', { fingerprint: 'lonely' }), worker('00000002')],
      decode: [worker('00000003')],
    });
    expect([it.route(TOKENIZER), it.route(TOKENIZER)].map(({ prefill }) => prefill.instance)).toEqual([
      '00000002',
      '00000002',
    ]);
  });

  it.each([
    ['another dtype', { kvFormat: { dtype: 'f16' } }],
    ['another page size', { kvFormat: { pageTokens: 32 } }],
    ['other heads', { kvFormat: { kvHeads: [0, 2] } }],
    ['no common transport', { transports: ['tcp'] }],
  ] as const)('refuses a pair with %s', (_, serves) => {
    const it = router({ prefill: [worker('00000001')], decode: [worker('00000002', serves)] });
    expect(errorOf(() => it.route(TOKENIZER))).toMatchObject({ status: 503, code: 'not_ready' });
    expect(it.models()).toEqual([]);
  });

  it('takes the shorter context of the two', () => {
    const it = router({
      prefill: [worker('00000001', { contextLength: 512 })],
      decode: [worker('00000002', { contextLength: 256 })],
    });
    expect(it.route(TOKENIZER).contextLength).toBe(256);
  });

  it('tells an unknown model from one that is not ready', () => {
    const it = router({ tokenizer: [TOKENIZER] });
    expect(errorOf(() => it.tokenizer('other'))).toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    expect(errorOf(() => it.tokenizer('m')).message).toContain('no prefill, no decode worker is ready');
    expect(errorOf(() => router({}).tokenizer('m'))).toMatchObject({ status: 503, retryAfterSeconds: 1 });
  });

  it('asks only a tokenizer of the model that a pair serves', () => {
    const it = router({
      tokenizer: [worker('00000001', { fingerprint: 'old' }), worker('00000002')],
      prefill: [worker('00000003')],
      decode: [worker('00000004')],
    });
    expect([it.tokenizer('m'), it.tokenizer('m')].map(({ instance }) => instance)).toEqual(['00000002', '00000002']);
  });

  it('lists a model once it has all three roles', () => {
    const workers = { tokenizer: [worker('00000001')], prefill: [worker('00000002')], decode: [worker('00000003')] };
    expect(router(workers).models()).toEqual([{ name: 'm', sinceMs: 1000, contextLength: 2048 }]);
    expect(router({ ...workers, tokenizer: [] }).models()).toEqual([]);
  });

  it('names candidates and scores for the trace', () => {
    const it = router({ prefill: [worker('00000001', {}, { running: 2, waiting: 1 })], decode: [worker('00000002')] });
    expect(it.route(TOKENIZER).candidates).toEqual([
      { role: 'prefill', instance: '00000001', score: 3 },
      { role: 'decode', instance: '00000002', score: 0 },
    ]);
  });
});
