import { z } from 'zod';
import { describeConfig } from './describe-config.js';
import { engineSchema } from './engine.schema.js';
import { faultsOf } from './faults.fixture.js';
import { flag, integer, natsServers } from './fields.js';
import { ConfigError, parseConfig } from './parse-config.js';
import { serviceSchema } from './service.schema.js';

describe('parseConfig', () => {
  it('gives the defaults of an empty environment, and takes empty variables for missing ones', () => {
    expect(parseConfig(serviceSchema, { HOST: '', UNKNOWN: 'x' })).toEqual({
      NATS_URL: 'nats://127.0.0.1:4222',
      HOST: '127.0.0.1',
      PORT: 0,
      LOG_LEVEL: 'info',
      SLICEWAY_HEARTBEAT_INTERVAL_MS: 1000,
      SLICEWAY_DRAIN_TIMEOUT_MS: 30_000,
      SLICEWAY_TRACE_LEVEL: 2,
    });
  });

  it('names each fault with variable, value and what is allowed', () => {
    expect(faultsOf(engineSchema, { SLICEWAY_BACKEND: 'cuda', SLICEWAY_MAX_RUNNING: '1.5' })).toEqual([
      'SLICEWAY_MODEL is not set: expected the path of a .gguf file or of a folder with safetensors',
      expect.stringMatching(/^SLICEWAY_BACKEND is "cuda": .*"auto"\|"gpu"\|"node"\|"wasm"/),
      'SLICEWAY_MAX_RUNNING is "1.5": expected a whole number from 1 to 1024',
    ]);
    expect(new ConfigError(['A is "1": no', 'B is "2": no']).message).toBe(
      'the environment has faults:\n  A is "1": no\n  B is "2": no',
    );
  });

  it('does not repeat a secret', () => {
    const schema = z.object({ KEY: z.string().length(3, 'expected 3 characters').meta({ secret: true }) });
    expect(faultsOf(schema, { KEY: 'hunter2' })).toEqual(['KEY has a secret value: expected 3 characters']);
  });

  it.each(['0', '7', '10'])('takes %s as a whole number from 0 to 10', (value) => {
    expect(parseConfig(z.object({ N: integer(0, 10) }), { N: value }).N).toBe(Number(value));
  });

  it.each(['-1', '11', '1.0', '1e1', ' 1', 'x', '0x1', '99999999999999999999'])('refuses %s', (value) => {
    expect(faultsOf(z.object({ N: integer(0, 10) }), { N: value })).toHaveLength(1);
  });

  it.each([
    ['true', true],
    ['1', true],
    ['false', false],
    ['0', false],
  ])('takes %s as a switch', (value, expected) => {
    expect(parseConfig(z.object({ F: flag() }), { F: value }).F).toBe(expected);
  });

  it.each(['yes', 'TRUE', '2'])('refuses %s as a switch', (value) => {
    expect(faultsOf(z.object({ F: flag() }), { F: value })).toHaveLength(1);
  });

  it.each([
    'nats://a:1',
    'tls://a.b.c',
    'a:4222',
    '127.0.0.1',
    'nats://[::1]:4222',
    'nats://u:p@a:1,nats://b:2',
    'nats://a:1, nats://b:2/',
  ])('takes %s for nats-server', (value) => {
    expect(parseConfig(z.object({ U: natsServers() }), { U: value }).U).toBe(value);
  });

  it.each(['http://a', 'nats://', 'nats://a:port', 'a,,b', 'nats://a b'])('refuses %s for nats-server', (value) => {
    expect(faultsOf(z.object({ U: natsServers() }), { U: value })).toHaveLength(1);
  });
});

describe('describeConfig', () => {
  const rows = describeConfig(serviceSchema.extend(engineSchema.shape));

  it('has a row with a description for every variable', () => {
    expect(rows.map(({ name }) => name)).toContain('SLICEWAY_KV_WINDOW');
    expect(rows.filter(({ description }) => description === '')).toEqual([]);
  });

  it('tells defaults and what has to be set', () => {
    const row = (name: string) => rows.find((candidate) => candidate.name === name);
    expect(row('PORT')).toMatchObject({ defaultValue: '0', required: false });
    expect(row('SLICEWAY_INSTANCE')).toMatchObject({ defaultValue: undefined, required: false });
    expect(row('SLICEWAY_MODEL')).toMatchObject({ defaultValue: undefined, required: true });
  });
});
