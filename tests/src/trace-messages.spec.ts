import { validateTrace } from '@sliceway/testing';
import { AttributeName, criticalPath, renderTree, SpanKind, TraceLevel, type TraceSpan } from '@sliceway/tracing';
import { messageNames, TracedCluster } from './traced-cluster.fixture.js';

const LONG = { content: 'a long story', max_tokens: 400 };

describe('the messages of a request', () => {
  let traced: TracedCluster;

  beforeAll(async () => {
    traced = await TracedCluster.start({ env: { SLICEWAY_DRAIN_TIMEOUT_MS: '0' } });
    await traced.fixture.chat({ content: 'warm up', max_tokens: 5 });
  });
  afterAll(() => traced?.stop());

  const of = (spans: readonly TraceSpan[], name: string): TraceSpan[] => spans.filter((span) => span.name === name);

  it('are in its tree, from the one who sent to the one who processed', async () => {
    const { rid } = await traced.fixture.chat({ content: 'hello', max_tokens: 5 });
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const ends = spans
      .filter(({ kind }) => kind === SpanKind.consumer)
      .map((consumer) => {
        const producer = byId.get(consumer.links[0]!.spanId)!;
        const service = ({ resource }: TraceSpan): string => String(resource['service.name']);
        // One host: a message is not processed before it is sent.
        expect(consumer.startNs).toBeGreaterThanOrEqual(producer.startNs);
        expect(producer.attributes[AttributeName.messagingClientId]).toBe(producer.resource['service.instance.id']);
        expect(consumer.attributes[AttributeName.messagingDestinationName]).toContain(
          `.${String(consumer.attributes[AttributeName.messagingClientId])}.`,
        );
        return `${service(producer)} > ${consumer.name} ${service(consumer)}, in ${byId.get(producer.parentSpanId!)!.name}`;
      });
    expect([...new Set(ends)].sort()).toEqual([
      expect.stringMatching(/^sliceway-decode > process sw.prefill.bootstrap sliceway-prefill, in decode_/),
      ...(ends.filter((end) => end.includes('bootstrap')).length > 1 ? [expect.stringContaining('bootstrap')] : []),
      'sliceway-gateway > process sw.decode.leg sliceway-decode, in dispatch',
      'sliceway-gateway > process sw.prefill.leg sliceway-prefill, in dispatch',
      'sliceway-gateway > process sw.tokenizer.encode sliceway-tokenizer, in tokenize_wait',
    ]);
    expect(renderTree(spans, { rid })).toContain('✉ gateway/send sw.decode.leg');
    // They explain nothing: slices do.
    const without = spans.filter(({ kind }) => kind !== SpanKind.producer && kind !== SpanKind.consumer);
    expect(criticalPath(spans, rid)).toEqual(criticalPath(without, rid));
  });

  it('tell who was told to abort', async () => {
    const client = new AbortController();
    let rid = '';
    const onEvent = (count: number, id: string): void => {
      rid = id;
      if (count === 3) client.abort();
    };
    await expect(traced.fixture.chat(LONG, { signal: client.signal, onEvent })).rejects.toBeDefined();
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    for (const role of ['tokenizer', 'decode']) {
      const [sent] = of(spans, `send sw.${role}.abort`);
      expect(of(spans, `process sw.${role}.abort`)).toMatchObject([
        { resource: { 'service.name': `sliceway-${role}` }, links: [{ spanId: sent!.spanId }] },
      ]);
    }
  });

  it('tell who failed', async () => {
    let rid = '';
    const onEvent = (count: number, id: string): void => {
      rid = id;
      // It is not given the time to end its requests.
      if (count === 3) traced.fixture.cluster.running('decode')[0]!.kill('SIGTERM');
    };
    const { errorCode } = await traced.fixture.chat(LONG, { onEvent });
    expect(errorCode).toBe('draining');
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    expect(of(spans, 'process sw.gateway.failed')).toMatchObject([
      {
        resource: { 'service.name': 'sliceway-gateway' },
        links: [{ spanId: of(spans, 'send sw.gateway.failed')[0]!.spanId }],
      },
    ]);
  });
});

it('are not traced where SLICEWAY_TRACE_MODULES leaves them out', async () => {
  const traced = await TracedCluster.start({ env: { SLICEWAY_TRACE_MODULES: 'request,engine' } });
  try {
    const { rid } = await traced.fixture.chat({ content: 'hello', max_tokens: 5 });
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    expect(messageNames(spans)).toEqual([]);
  } finally {
    await traced.stop();
  }
});
