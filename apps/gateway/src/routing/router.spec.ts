import type { WorkerRole } from '@sliceway/protocol';
import { ApiError } from '../openai/api-error.js';
import { NO_LIMITS } from './route-limits.js';
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

  describe('with limits', () => {
    const pairs = () =>
      router({
        tokenizer: [TOKENIZER, worker('0000001f')],
        prefill: [worker('00000001'), worker('00000002')],
        decode: [worker('00000003'), worker('00000004')],
      });
    const instances = (...ids: string[]) => new Set(ids);

    it('leaves out who is excluded, even if nobody is left', () => {
      const it = pairs();
      const excluded = instances('0000000f', '00000001', '00000004');
      const limits = { ...NO_LIMITS, excluded };
      for (let i = 0; i < 20; i++) {
        const { prefill, decode } = it.route(it.tokenizer('m', limits), limits);
        expect([prefill.instance, decode.instance]).toEqual(['00000002', '00000003']);
      }
      const none = { ...NO_LIMITS, excluded: instances('00000003', '00000004') };
      expect(it.canServe('m', none)).toBe(false);
      expect(errorOf(() => it.tokenizer('m', none)).status).toBe(503);
      expect(errorOf(() => it.route(TOKENIZER, none)).status).toBe(503);
    });

    it('takes who is to be avoided only where there is nobody else', () => {
      const limits = { ...NO_LIMITS, avoided: instances('00000001', '00000003', '00000004') };
      const it = pairs();
      for (let i = 0; i < 20; i++) {
        const { prefill, decode } = it.route(TOKENIZER, limits);
        expect(prefill.instance).toBe('00000002');
        expect(['00000003', '00000004']).toContain(decode.instance);
      }
    });

    it('asks the preferred tokenizer again, unless it is excluded', () => {
      const it = pairs();
      for (let i = 0; i < 3; i++) expect(it.tokenizer('m', NO_LIMITS, '0000001f').instance).toBe('0000001f');
      const limits = { ...NO_LIMITS, excluded: instances('0000001f') };
      expect(it.tokenizer('m', limits, '0000001f').instance).toBe('0000000f');
    });

    it.each([
      [15, true],
      [16, false],
    ])('%d requests on a worker of 16: room %s', (waiting, expected) => {
      const workers = { tokenizer: [TOKENIZER], prefill: [worker('00000001')] };
      const it = router({ ...workers, decode: [worker('00000002', {}, { waiting })] });
      expect(it.canServe('m', { ...NO_LIMITS, needsRoom: true })).toBe(expected);
      expect(it.canServe('m', NO_LIMITS)).toBe(true);
    });

    it('counts the places of all decode workers', () => {
      expect(pairs().places).toBe(32);
    });
  });
});
