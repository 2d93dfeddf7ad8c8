import { engineSchema, engineServiceSchema } from './engine.schema.js';
import { faultsOf } from './faults.fixture.js';
import { parseConfig } from './parse-config.js';
import { serviceSchema } from './service.schema.js';

const schema = serviceSchema.extend(engineSchema.shape);

const faultsIn = (env: Record<string, string>): readonly string[] =>
  faultsOf(schema, { SLICEWAY_MODEL: 'm.gguf', ...env });

/** Variable, values at the edges of what is taken, and the first beyond them. */
const EDGES: readonly [string, readonly string[], readonly string[]][] = [
  ['PORT', ['0', '65535'], ['-1', '65536']],
  ['LOG_LEVEL', ['fatal', 'silent'], ['FATAL', 'warning']],
  ['SLICEWAY_INSTANCE', ['0123abcd'], ['0123abc', '0123abcde', '0123ABCD']],
  ['SLICEWAY_HEARTBEAT_INTERVAL_MS', ['50', '60000'], ['49', '60001']],
  ['SLICEWAY_DRAIN_TIMEOUT_MS', ['0'], ['-1']],
  ['SLICEWAY_TRACE_LEVEL', ['0', '3'], ['-1', '4']],
  ['SLICEWAY_BACKEND', ['auto', 'wasm'], ['cpu']],
  ['SLICEWAY_KV_MEMORY_MB', ['1', '4000'], ['0', '4001']],
  ['SLICEWAY_PAGE_TOKENS', ['16', '32', '1024'], ['0', '15', '17', '1025', '1040']],
  ['SLICEWAY_CHUNKED_PREFILL_TOKENS', ['16', '8192'], ['15', '8193']],
  ['SLICEWAY_MAX_RUNNING', ['1', '1024'], ['0', '1025']],
  ['SLICEWAY_MAX_QUEUED', ['1'], ['0']],
  ['SLICEWAY_CONTEXT_LENGTH', ['16'], ['15']],
  ['SLICEWAY_KV_WINDOW', ['1', '1024'], ['0', '1025']],
  ['SLICEWAY_KV_TIMEOUT_MS', ['100'], ['99']],
];

it.each(EDGES)('%s: the last accepted, the first refused', (name, accepted, refused) => {
  for (const value of accepted) expect([value, faultsIn({ [name]: value })]).toEqual([value, []]);
  for (const value of refused) {
    expect([value, faultsIn({ [name]: value })]).toEqual([value, [expect.stringContaining(`${name} is "${value}"`)]]);
  }
});

it('names all faults at once, those of the base and of the engine', () => {
  const bad = Object.fromEntries(EDGES.map(([name, , refused]) => [name, refused[0]!]));
  const faults = faultsIn({ ...bad, NATS_URL: 'http://a', SLICEWAY_MODEL: '' });
  expect(faults.map((fault) => fault.split(' ')[0]).sort()).toEqual(
    [...Object.keys(bad), 'NATS_URL', 'SLICEWAY_MODEL'].sort(),
  );
});

it('refuses more running sequences than a step has tokens, and names both variables', () => {
  const parse = (tokens: string): unknown =>
    parseConfig(engineServiceSchema, { SLICEWAY_MODEL: 'm.gguf', SLICEWAY_CHUNKED_PREFILL_TOKENS: tokens });
  expect(parse('32')).toMatchObject({ SLICEWAY_MAX_RUNNING: 32 });
  expect(() => parse('31')).toThrow(/SLICEWAY_MAX_RUNNING.*expected at most SLICEWAY_CHUNKED_PREFILL_TOKENS, 31/);
});
