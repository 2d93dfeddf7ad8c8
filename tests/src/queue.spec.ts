import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tinyModel } from '@sliceway/testing';
import { ClusterFixture } from './cluster.fixture.js';

const KV_TIMEOUT_MS = 1500;

it('lets requests wait for a place in decode for longer than a transfer may be silent', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-tiny-'));
  const env = { SLICEWAY_MAX_RUNNING: '1', SLICEWAY_KV_TIMEOUT_MS: String(KV_TIMEOUT_MS) };
  const fixture = await ClusterFixture.start({ modelPath: tinyModel(folder), kvMemoryMb: 1, env });
  try {
    const startMs = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 48 }, (_, i) => fixture.chat({ content: `story ${i}`, max_tokens: 440 })),
    );
    // Else nothing has waited for long enough.
    expect(performance.now() - startMs).toBeGreaterThan(2 * KV_TIMEOUT_MS);
    expect(answers.map(({ status, isDone }) => [status, isDone])).toEqual(answers.map(() => [200, true]));
    expect(await fixture.heldAfter(1000)).toEqual([]);
  } finally {
    await fixture.stop();
    rmSync(folder, { recursive: true });
  }
});
