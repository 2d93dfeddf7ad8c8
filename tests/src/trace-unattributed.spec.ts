import { setTimeout as sleep } from 'node:timers/promises';
import { pathOf, TracedCluster } from './traced-cluster.fixture.js';

/** Of TTFT and of the whole request. */
const MOST = 0.02;
const REQUESTS = 15;
const WARM_UP = 10;
const ROUNDS = 10;
const PAUSE_MS = 1000;
const TIMEOUT_MS = 180_000;

/** @returns the larger one of a request's two shares, of the median request */
async function unattributedShare(traced: TracedCluster): Promise<number> {
  const rids: string[] = [];
  for (let i = 0; i < REQUESTS; i++)
    rids.push((await traced.fixture.chat({ content: `story ${i}`, max_tokens: 40 })).rid);
  const shares = (await traced.traces(rids)).map((spans, i) => {
    const { ttftUnattributedNs, ttftNs, unattributedNs, e2eNs } = pathOf(spans, rids[i]!);
    return Math.max(Number(ttftUnattributedNs) / Number(ttftNs), Number(unattributedNs) / Number(e2eNs));
  });
  return shares.sort((a, b) => a - b)[REQUESTS >> 1]!;
}

/**
 * The tiny model answers in milliseconds: what nobody explains is as large a part as it can be. A stretch that we gave no name is
 * in every round; a machine that has other work, and makes hops of more than 5 ms, has quiet moments.
 */
it(
  'less than 2 % of a request is unattributed, to its first token and to its end',
  async () => {
    const traced = await TracedCluster.start({ env: { SLICEWAY_TRACE_LEVEL: '2' } });
    try {
      for (let i = 0; i < WARM_UP; i++) await traced.fixture.chat({ content: 'warm up', max_tokens: 20 });
      let share = await unattributedShare(traced);
      for (let i = 1; i < ROUNDS && share >= MOST; i++) {
        await sleep(PAUSE_MS);
        share = Math.min(share, await unattributedShare(traced));
      }
      expect(share).toBeLessThan(MOST);
    } finally {
      await traced.stop();
    }
  },
  TIMEOUT_MS,
);
