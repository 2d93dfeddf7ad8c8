import { validateTrace } from '@sliceway/testing';
import { AttributeName, TraceLevel } from '@sliceway/tracing';
import { TracedCluster } from './traced-cluster.fixture.js';

/** All of them alike: 2 in 2 ** 24, once in eight million runs. */
const REQUESTS = 24;
const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-0([01])$/;

it('a share of the requests is traced, each of them whole or not at all', async () => {
  const traced = await TracedCluster.start({
    env: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' },
  });
  try {
    const requests = await Promise.all(
      Array.from({ length: REQUESTS }, async () => {
        const { headers, status } = await traced.post();
        const [, traceId, flag] = TRACEPARENT.exec(headers.get('traceparent') ?? '') ?? [];
        return { status, rid: headers.get('x-request-id')!, traceId, isSampled: flag === '1' };
      }),
    );
    expect(new Set(requests.map(({ status }) => status))).toEqual(new Set([200]));
    const sampled = requests.filter(({ isSampled }) => isSampled);
    expect(sampled.length).toBeGreaterThan(0);
    expect(sampled.length).toBeLessThan(REQUESTS);

    const traces = await traced.traces(sampled.map(({ rid }) => rid));
    for (const spans of traces) expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    // Of the others there is no span, neither of the request nor of HTTP, and no batch step links to one.
    const spans = traced.receiver.spans().filter(({ attributes }) => attributes[AttributeName.bid] === undefined);
    expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(sampled.map(({ traceId }) => traceId)));
    const members = traced.receiver.spans().flatMap(({ links }) => links.map(({ traceId }) => traceId));
    const others = requests.filter(({ isSampled }) => !isSampled).map(({ traceId }) => traceId);
    expect(members.filter((traceId) => others.includes(traceId))).toEqual([]);
  } finally {
    await traced.stop();
  }
});
