import { parseConfig } from '@sliceway/service';
import { gatewaySchema } from './gateway.config.js';

const parse = (env: Record<string, string> = {}) => parseConfig(gatewaySchema, env);

it('serves on 127.0.0.1:8000 where nothing else is said', () => {
  expect(parse()).toMatchObject({
    HOST: '127.0.0.1',
    PORT: 8000,
    SLICEWAY_PREFILL_POLICY: 'power_of_two',
    SLICEWAY_STALL_TIMEOUT_MS: 60_000,
  });
});

it.each([
  ['PORT', ['0', '65535'], ['-1', '65536', 'http']],
  ['SLICEWAY_DECODE_POLICY', ['round_robin', 'power_of_two'], ['random']],
  ['SLICEWAY_MAX_CONCURRENT_REQUESTS', ['1'], ['0', '1.5']],
  ['SLICEWAY_MAX_QUEUED_REQUESTS', ['1'], ['0']],
  ['SLICEWAY_MAX_QUEUED_TOKENS', ['1'], ['0', 'many']],
  ['SLICEWAY_REQUEST_TIMEOUT_MS', ['1', String(2 ** 31 - 1)], ['0', String(2 ** 31)]],
])('%s: the last accepted, the first refused', (name, accepted, refused) => {
  for (const value of accepted) expect(() => parse({ [name]: value })).not.toThrow();
  for (const value of refused) expect(() => parse({ [name]: value })).toThrow(name);
});
