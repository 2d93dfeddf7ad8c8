import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startOtlpReceiver, validateTrace, type OtlpReceiver } from '@sliceway/testing';
import { AttributeName, placeOf, SpanPlace, type TraceSpan } from '@sliceway/tracing';
import { otlpTo, PROTOCOLS } from './exporting.fixture.js';

const PROGRAM = fileURLToPath(new URL('./two-ranks.fixture.js', import.meta.url));
const OWN = ['split', 'gather', 'shard', 'all_reduce'];
const TIMEOUT_MS = 30_000;

describe('two worker threads of one request, tp_rank 0 and 1', () => {
  let receiver: OtlpReceiver;

  beforeAll(async () => void (receiver = await startOtlpReceiver()));
  beforeEach(() => receiver.clear());
  afterAll(() => receiver.close());

  it.each(PROTOCOLS)('are one tree under one request span, over %s', async (protocol) => {
    const env = { PATH: process.env['PATH'], ...otlpTo(receiver, protocol) };
    const { stderr } = await promisify(execFile)(process.execPath, [PROGRAM], { env, timeout: TIMEOUT_MS });
    expect(stderr).toBe('');
    const spans = receiver.spans();
    expect(validateTrace(spans, { ownNames: OWN })).toEqual([]);

    const of = (place: SpanPlace): TraceSpan[] => spans.filter((span) => placeOf(span) === place);
    const [request, ...others] = of(SpanPlace.request);
    expect([request!.name, others]).toEqual(['engine Req a1b2c3d4', []]);
    const threads = of(SpanPlace.thread).sort((a, b) => (a.name < b.name ? -1 : 1));
    const rankOf = ({ attributes }: TraceSpan): unknown => attributes[AttributeName.tpRank];
    expect(threads.map((thread) => [thread.name.replace(/ \(.*/, ''), rankOf(thread), thread.parentSpanId])).toEqual([
      ['engine [TP 0]', 0, request!.spanId],
      ['engine [TP 1]', 1, request!.spanId],
      ['scheduler', undefined, request!.spanId],
    ]);
    // Each draws ids of its own, and each knows of the slice that handed it the request.
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length);
    const split = spans.find(({ name }) => name === 'split')!;
    for (const { spanId } of threads.slice(0, 2)) {
      const shards = spans.filter(({ parentSpanId }) => parentSpanId === spanId);
      expect(shards.map(({ name, attributes }) => [name, attributes['layer']])).toEqual(
        [0, 1, 2].map((i) => ['shard', i]),
      );
      expect(shards[0]!.links).toMatchObject([{ spanId: split.spanId, attributes: { 'link.kind': 'prev' } }]);
    }
  });
});
