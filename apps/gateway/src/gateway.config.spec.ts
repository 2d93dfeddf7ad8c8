import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '@sliceway/service';
import { adminToken, apiKeysOf, gatewaySchema } from './gateway.config.js';

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
  ['SLICEWAY_API_KEYS', ['a', ' a, b,'], [',', ' ']],
  ['SLICEWAY_ADMIN_TOKEN', ['a', 'open sesame'], [' ']],
  ['SLICEWAY_CORS_ORIGINS', ['*', 'https://a.b, http://localhost:3000'], ['a.b', 'https://a.b/', ',', 'null']],
  ['SLICEWAY_REQUEST_TIMEOUT_MS', ['1', String(2 ** 31 - 1)], ['0', String(2 ** 31)]],
])('%s: the last accepted, the first refused', (name, accepted, refused) => {
  for (const value of accepted) expect(() => parse({ [name]: value })).not.toThrow();
  for (const value of refused) expect(() => parse({ [name]: value })).toThrow(name);
});

describe('secrets', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-secrets-'));
  const file = join(folder, 'secret');
  const empty = join(folder, 'empty');
  afterAll(() => rmSync(folder, { recursive: true }));

  it('may be in the environment or in a file, a key a line', () => {
    expect([apiKeysOf(parse()), adminToken(parse())]).toEqual([[], null]);
    const given = parse({ SLICEWAY_API_KEYS: 'a, b', SLICEWAY_ADMIN_TOKEN: 'c' });
    expect([apiKeysOf(given), adminToken(given)]).toEqual([['a', 'b'], 'c']);
    writeFileSync(file, 'a\r\n\n  b\n');
    expect(apiKeysOf(parse({ SLICEWAY_API_KEYS_FILE: file }))).toEqual(['a', 'b']);
    writeFileSync(file, 'c\n');
    expect(adminToken(parse({ SLICEWAY_ADMIN_TOKEN_FILE: file }))).toBe('c');
  });

  it('are not in both, not in a file that is missing or empty, and not in a fault', () => {
    writeFileSync(file, 'hunter2');
    writeFileSync(empty, '\n');
    const faultOf = (env: Record<string, string>): string => {
      try {
        return JSON.stringify(parse(env));
      } catch (error) {
        return (error as Error).message;
      }
    };
    const both = faultOf({ SLICEWAY_ADMIN_TOKEN: 'hunter2', SLICEWAY_ADMIN_TOKEN_FILE: file });
    expect(both).toContain('SLICEWAY_ADMIN_TOKEN has a secret value: expected it or SLICEWAY_ADMIN_TOKEN_FILE');
    const keys = faultOf({ SLICEWAY_API_KEYS: 'hunter2', SLICEWAY_API_KEYS_FILE: file });
    expect(keys).toContain('SLICEWAY_API_KEYS has a secret value: expected it or SLICEWAY_API_KEYS_FILE');
    expect(both + keys).not.toContain('hunter2');
    expect(faultOf({ SLICEWAY_API_KEYS_FILE: '/nowhere' })).toContain('expected a file to read, but ENOENT');
    expect(faultOf({ SLICEWAY_API_KEYS_FILE: folder })).toContain('expected a file to read, but EISDIR');
    expect(faultOf({ SLICEWAY_ADMIN_TOKEN_FILE: empty })).toContain('expected a file to read, but it is empty');
  });
});
