import { validateTrace } from '@sliceway/testing';
import {
  AttributeName,
  EventName,
  ridsOf,
  type Segment,
  SLICE_LEVEL,
  SliceName,
  SpanKind,
  TraceLevel,
} from '@sliceway/tracing';
import type { ChatFields } from './chat-stream.fixture.js';
import { codeIn, DocPage } from './doc-page.fixture.js';
import { messageNames, pathOf, sliceNames, TracedCluster } from './traced-cluster.fixture.js';

const TRACE_ID = 'abcdef0123456789'.repeat(2);
const SPAN_ID = '1234567890abcdef';
/** More characters than are encoded on the event loop, in fewer tokens than the tiny model takes. */
const LONG_TEXT = '<|im_start|>'.repeat(350);
const LONG = { content: 'a long story', max_tokens: 440 };
/** Of a request whose first token is its last, and of all others. */
const QUICK: readonly string[] = [SliceName.quickFinish];
const DECODED: readonly string[] = [SliceName.decodeWaiting, SliceName.decodeForward, SliceName.decodeLoop];
/** Attributes of a slice, as the page says. */
const DOCUMENTED = new Map(
  new DocPage('tracing.md').tableOf('Slices').map((row) => [codeIn(row[1]!)[0]!, codeIn(row[4]!)]),
);

/** Those of every request that ends well. */
const MESSAGES_OF_A_REQUEST = ['decode.leg', 'prefill.bootstrap', 'prefill.leg', 'tokenizer.encode']
  .flatMap((message) => [`process sw.${message}`, `send sw.${message}`])
  .sort();

const sum = (segments: readonly Segment[]): bigint =>
  segments.reduce((total, { startNs, endNs }) => total + endNs - startNs, 0n);

async function malformedContexts(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^sliceway_trace_contexts_malformed_total\{.*\} (\d+)$/m.exec(text)?.[1]);
}

describe('the trace of a request', () => {
  let traced: TracedCluster;

  beforeAll(async () => {
    traced = await TracedCluster.start({ counts: { tokenizer: 1, prefill: 2, decode: 2, gateway: 1 } });
    await traced.fixture.chat({ content: 'warm up', max_tokens: 5 });
  });
  afterAll(() => traced?.stop());

  it.each<[string, ChatFields]>([
    ['streamed', { content: 'hello', max_tokens: 40 }],
    ['not streamed', { content: 'hello', max_tokens: 40, stream: false }],
    ['of one token', { content: 'x', max_tokens: 1 }],
    ['of several chunks', { content: 'a long prompt '.repeat(28), max_tokens: 10 }],
    ['of four choices', { content: 'pick one', max_tokens: 30, n: 4, temperature: 1, seed: 5 }],
  ])('is whole, and its critical path is all of it: %s', async (_, fields) => {
    const { rid } = await traced.fixture.chat(fields);
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    for (const span of spans) {
      const documented = DOCUMENTED.get(span.name);
      if (documented) expect(documented).toEqual(expect.arrayContaining(Object.keys(span.attributes)));
    }
    const { ttft, ttftNs, e2e, e2eNs } = pathOf(spans, rid);
    expect([sum(ttft), sum(e2e)]).toEqual([ttftNs, e2eNs]);
    const request = spans.find(({ name }) => name.startsWith('gateway Req'))!;
    const choices = Number(fields.n ?? 1);
    expect(request.attributes[AttributeName.finishReasons]).toEqual(new Array(choices).fill('length'));
    expect(e2e.map(({ name }) => name)).toEqual(expect.arrayContaining(['tokenize', 'prefill_forward', 'detokenize']));
  });

  it('has no less and no more slices than its level', async () => {
    for (const level of [TraceLevel.important, TraceLevel.normal, TraceLevel.all]) {
      const { acknowledged, missing } = await traced.setLevel(level);
      expect([acknowledged.length, missing]).toEqual([6, []]);
      for (const [max_tokens, others] of [[10, QUICK] as const, [1, DECODED] as const]) {
        const { rid } = await traced.fixture.chat({ content: 'hello', max_tokens });
        const spans = await traced.trace(rid);
        expect(validateTrace(spans, { level })).toEqual([]);
        const expected = Object.entries(SLICE_LEVEL).filter(
          ([name, least]) => least <= level && !others.includes(name),
        );
        expect(sliceNames(spans)).toEqual(expected.map(([name]) => name).sort());
        expect(messageNames(spans)).toEqual(level === TraceLevel.all ? MESSAGES_OF_A_REQUEST : []);
      }
    }
    await traced.setLevel(TraceLevel.off);
    traced.receiver.clear();
    await traced.fixture.chat({ content: 'hello', max_tokens: 10 });
    await traced.setLevel(TraceLevel.all);
    const { rid } = await traced.fixture.chat({ content: 'hello', max_tokens: 10 });
    await traced.trace(rid);
    expect(new Set(traced.receiver.spans().map(({ attributes }) => attributes[AttributeName.rid]))).toEqual(
      new Set([undefined, rid]),
    );
  });

  it.each([TraceLevel.important, TraceLevel.normal, TraceLevel.all])(
    'has the thread that long prompts are encoded on, at level %d',
    async (level) => {
      await traced.setLevel(level);
      const { rid, errorCode } = await traced.fixture.chat({ content: LONG_TEXT, max_tokens: 5 });
      expect(errorCode).toBeNull();
      const spans = await traced.trace(rid);
      expect(validateTrace(spans, { level })).toEqual([]);
      const threadOf = (name: string): unknown => {
        const slice = spans.find((span) => span.name === name);
        return spans.find(({ spanId }) => spanId === slice?.parentSpanId)?.attributes[AttributeName.threadLabel];
      };
      const dispatched = level === TraceLevel.important ? undefined : 'tokenizer';
      expect(['tokenize', 'api_server_dispatch', 'detokenize'].map(threadOf)).toEqual([
        'encoder',
        dispatched,
        'tokenizer',
      ]);
      expect(pathOf(spans, rid).ttft).toContainEqual(
        expect.objectContaining({ name: 'tokenize', service: 'tokenizer', thread: 'encoder' }),
      );
    },
  );

  it("has the level that SGLang's own URL sets, and none that there is not", async () => {
    const set = (query: string): Promise<Response> => fetch(`${traced.url}/set_trace_level${query}`);
    const response = await set('?level=3');
    expect(await response.json()).toMatchObject({ level: TraceLevel.all, missing: [] });
    for (const query of ['', '?level=4', '?level=-1', '?level=x']) expect((await set(query)).status).toBe(400);
    for (const level of [4, -1, 1.5, '2', null]) expect((await traced.putLevel(level)).status).toBe(400);
    // As a browser says it when a page of another site has this as an image.
    const foreign = await fetch(`${traced.url}/set_trace_level?level=0`, {
      headers: { 'sec-fetch-site': 'cross-site' },
    });
    expect(foreign.status).toBe(403);
    const wrong = await fetch(`${traced.url}/admin/trace-level`, { method: 'POST' });
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'PUT, OPTIONS']);
  });

  it('is whole for each of a batch of eight on two replicas', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => traced.fixture.chat({ content: `story ${i}`, max_tokens: 60 })),
    );
    const steps = new Set<string>();
    for (const spans of await traced.traces(answers.map(({ rid }) => rid))) {
      expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
      for (const span of spans) if (Number(span.attributes[AttributeName.batchSize]) > 1) steps.add(span.spanId);
    }
    expect(steps.size).toBeGreaterThan(0);
  });

  it('is whole for each of the eight prompts of one HTTP request, which is one trace', async () => {
    const prompt = Array.from({ length: 8 }, (_, i) => `story ${i}`);
    const response = await traced.post({}, { prompt, max_tokens: 30 });
    expect(((await response.json()) as { choices: object[] }).choices).toHaveLength(8);
    const spans = await traced.trace(response.headers.get('x-request-id')!);
    const rids = ridsOf(spans);
    expect(rids).toHaveLength(8);
    for (const rid of rids) {
      expect(validateTrace(spans, { rid, level: TraceLevel.all })).toEqual([]);
      const { e2e, e2eNs } = pathOf(spans, rid);
      expect(sum(e2e)).toEqual(e2eNs);
    }
    expect(spans.filter(({ kind, parentSpanId }) => kind === SpanKind.server && parentSpanId === null)).toHaveLength(1);
  });

  it('is that of the client, and the answer says which one it is', async () => {
    const response = await traced.post({ traceparent: `00-${TRACE_ID}-${SPAN_ID}-01`, tracestate: 'a=b' });
    const rid = response.headers.get('x-request-id')!;
    expect(response.headers.get('traceparent')).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { parent: SPAN_ID, level: TraceLevel.all })).toEqual([]);
    const [server] = spans.filter(({ kind }) => kind === 2);
    expect(server).toMatchObject({ parentSpanId: SPAN_ID, name: 'POST /v1/completions' });
    expect(spans.find(({ name }) => name.startsWith('Bootstrap'))).toMatchObject({
      parentSpanId: server!.spanId,
      traceState: 'a=b',
    });
  });

  it('is not there when the client does not sample', async () => {
    const response = await traced.post({ traceparent: `00-${TRACE_ID.replace('a', 'b')}-${SPAN_ID}-00` });
    expect(response.status).toBe(200);
    const { rid } = await traced.fixture.chat({ content: 'hello', max_tokens: 5 });
    await traced.trace(rid);
    expect(traced.receiver.spans().filter(({ traceId }) => traceId === TRACE_ID.replace('a', 'b'))).toEqual([]);
  });

  it.each<[Record<string, string>, malformed: number]>([
    [{ traceparent: 'nonsense' }, 1],
    [{ traceparent: `00-${'0'.repeat(32)}-${SPAN_ID}-01` }, 1],
    [{ traceparent: `ff-${TRACE_ID}-${SPAN_ID}-01`, 'x-sliceway-trace': '7-x' }, 1],
    [{ 'x-sliceway-trace': '3-0000000000000000-gateway-1111111111111111-0000000000000000' }, 0],
  ])('begins anew where the context is malformed, and counts it: %j', async (headers, malformed) => {
    const before = await malformedContexts(traced.url);
    const rid = (await traced.post(headers)).headers.get('x-request-id')!;
    expect(validateTrace(await traced.trace(rid), { level: TraceLevel.all })).toEqual([]);
    expect((await malformedContexts(traced.url)) - before).toBe(malformed);
  });

  it('of a prompt that is too long is closed', async () => {
    const { rid, errorCode } = await traced.fixture.chat({ content: 'a long prompt '.repeat(50), max_tokens: 10 });
    expect(errorCode).toBe('context_length_exceeded');
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    expect(sliceNames(spans)).toContain('tokenize');
  });

  it('of a refused request ends with the reason', async () => {
    const response = await fetch(`${traced.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'nobody', prompt: 'x' }),
    });
    const spans = await traced.trace(response.headers.get('x-request-id')!);
    expect(validateTrace(spans)).toEqual([]);
    expect(spans.find(({ name }) => name.startsWith('gateway Req'))).toMatchObject({
      status: { message: 'model_not_found' },
    });
  });

  it('has none for health and metrics', async () => {
    traced.receiver.clear();
    for (const path of ['/health', '/health/ready', '/metrics']) await fetch(`${traced.url}${path}`);
    await traced.trace((await traced.fixture.chat({ content: 'hello', max_tokens: 5 })).rid);
    const servers = traced.receiver.spans().filter(({ kind }) => kind === 2);
    expect(servers.map(({ name }) => name)).toEqual(['POST /v1/chat/completions']);
  });
});

describe('the trace of a request that was preempted', () => {
  let traced: TracedCluster;

  const ADMIN_TOKEN = 'open sesame';

  beforeAll(async () => {
    traced = await TracedCluster.start({ kvMemoryMb: 1, env: { SLICEWAY_ADMIN_TOKEN: ADMIN_TOKEN } });
  });
  afterAll(() => traced?.stop());

  it('has a level that only who has the token may change', async () => {
    for (const authorization of ['', ADMIN_TOKEN, `Bearer ${ADMIN_TOKEN}x`, 'Bearer']) {
      const response = await traced.putLevel(3, { authorization });
      expect([response.status, await response.json()]).toEqual([
        401,
        { error: expect.objectContaining({ code: 'invalid_admin_token' }) },
      ]);
    }
    expect((await fetch(`${traced.url}/set_trace_level?level=3`)).status).toBe(401);
    expect((await traced.putLevel(3, { authorization: `Bearer ${ADMIN_TOKEN}` })).status).toBe(200);
  });

  it('is whole, and says so', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => traced.fixture.chat({ ...LONG, content: `${LONG.content} ${i}` })),
    );
    const traces = await traced.traces(answers.map(({ rid }) => rid));
    for (const spans of traces) expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    const retracted = traces.filter((spans) =>
      spans.some(({ events }) => events.some(({ name }) => name === EventName.retract)),
    );
    expect(retracted).not.toEqual([]);
  });
});
