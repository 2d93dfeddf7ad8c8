import { SLICE_LEVEL, SliceName } from './names.js';
import { initTracing } from './init-tracing.js';
import { registerThread } from './thread.js';
import { TraceLevel } from './trace-level.js';

it('every slice has a level, and every level a slice', () => {
  expect(Object.keys(SLICE_LEVEL).sort()).toEqual(Object.values(SliceName).sort());
  expect(new Set(Object.values(SLICE_LEVEL))).toEqual(new Set([1, 2, 3]));
});

it('nested slices are those of level 3', () => {
  const nested = Object.values(SliceName).filter((name) => SLICE_LEVEL[name] === TraceLevel.all);
  expect(nested).toEqual(['socket_write', 'chat_template', 'chunked_prefill', 'decode_loop']);
});

it('the level can be changed while tracing runs', async () => {
  const tracing = initTracing({ serviceName: 'sliceway-gateway' });
  expect(tracing.level).toBe(TraceLevel.normal);
  tracing.setLevel(TraceLevel.all);
  expect(tracing.level).toBe(TraceLevel.all);
  await expect(tracing.shutdown(100)).resolves.toBe(true);
});

it('a thread keeps what it was registered with', () => {
  const thread = registerThread({ label: 'scheduler', tpRank: 1 });
  expect(thread).toMatchObject({ label: 'scheduler', tpRank: 1 });
  expect(Object.isFrozen(thread)).toBe(true);
});
