import { UNATTRIBUTED } from '@sliceway/tracing';
import type { Segment } from '@sliceway/tracing';
import { pathOf, TracedCluster } from './traced-cluster.fixture.js';

/** Of TTFT and of the whole request. */
const MOST = 0.02;
const REQUESTS = 15;
const WARM_UP = 10;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

function unexplained(segments: readonly Segment[], totalNs: bigint | null): number {
  let ns = 0n;
  for (const { name, startNs, endNs } of segments) if (name === UNATTRIBUTED) ns += endNs - startNs;
  return Number(ns) / Number(totalNs);
}

/**
 * The tiny model answers in milliseconds: what nobody explains is as large a part as it can be. Of the median request, since a
 * machine that has other work makes hops of more than 5 ms.
 */
it('less than 2 % of a request is unattributed, to its first token and to its end', async () => {
  const traced = await TracedCluster.start({ env: { SLICEWAY_TRACE_LEVEL: '2' } });
  try {
    for (let i = 0; i < WARM_UP; i++) await traced.fixture.chat({ content: 'warm up', max_tokens: 20 });
    const rids: string[] = [];
    for (let i = 0; i < REQUESTS; i++)
      rids.push((await traced.fixture.chat({ content: `story ${i}`, max_tokens: 40 })).rid);
    const paths = (await traced.traces(rids)).map((spans, i) => pathOf(spans, rids[i]!));
    const ttft = median(paths.map((path) => unexplained(path.ttft, path.ttftNs)));
    const e2e = median(paths.map((path) => unexplained(path.e2e, path.e2eNs)));
    expect({ ttft: ttft < MOST, e2e: e2e < MOST }).toEqual({ ttft: true, e2e: true });
  } finally {
    await traced.stop();
  }
});
