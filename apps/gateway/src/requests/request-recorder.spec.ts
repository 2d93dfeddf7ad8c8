import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger, MetricsRegistry } from '@sliceway/service';
import { now, recordCarrier, SpanStatus } from '@sliceway/tracing';
import { control, named, recordAll, recorded } from '@sliceway/tracing/testing';
import { Registry } from 'prom-client';
import { worker } from '../routing/worker.fixture.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { REQUEST } from './lifecycle.fixture.js';
import { RequestRecorder } from './request-recorder.js';

function setUp(headers: Record<string, string> = {}, whenSent = (then: (isSent: boolean) => void) => then(true)) {
  const registry: MetricsRegistry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const metrics = new GatewayMetrics(registry);
  const lines: object[] = [];
  const write = (level: string, bound: object) => (fields: object, msg: string) =>
    void lines.push({ level, ...bound, ...fields, msg });
  const options = {
    rid: 'ab'.repeat(16),
    room: '0'.repeat(16),
    parent: recordCarrier(headers),
    metrics,
    logger: {
      isLevelEnabled: () => true,
      child: (bound: object) => ({ info: write('info', bound), warn: write('warn', bound) }),
    } as unknown as Logger,
    receivedTs: now(),
    whenSent,
  };
  const value = async (name: string) => {
    const line = (await registry.metrics()).split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.split(' ')[1]);
  };
  return { recorder: new RequestRecorder(options), value, lines, text: () => registry.metrics() };
}

describe('RequestRecorder', () => {
  it('counts a request once and its latencies by choice', async () => {
    const { recorder, value } = setUp();
    recorder.admitted();
    recorder.tokenized(3);
    recorder.dispatched();
    await sleep(20);
    recorder.tokens(0, 1);
    recorder.tokens(1, 1);
    await sleep(20);
    recorder.tokens(0, 2);
    recorder.ended('finished', { promptTokens: 3, completionTokens: 4 }, null);
    expect(await value('sliceway_requests_total{end="finished",code="none"}')).toBe(1);
    expect(await value('sliceway_requests_total{end="failed",code="none"}')).toBe(0);
    expect(await value('sliceway_prompt_tokens_total')).toBe(3);
    expect(await value('sliceway_completion_tokens_total')).toBe(4);
    expect(await value('sliceway_time_to_first_token_seconds_count')).toBe(1);
    expect(await value('sliceway_time_to_first_token_seconds_sum')).toBeGreaterThan(0.018);
    expect(await value('sliceway_inter_token_latency_seconds_count')).toBe(2);
    const between = await value('sliceway_inter_token_latency_seconds_sum');
    expect(between).toBeGreaterThan(0.018);
    expect(between).toBeLessThan(await value('sliceway_request_duration_seconds_sum'));
    expect(await value('sliceway_time_per_output_token_seconds_count')).toBe(1);
    expect(await value('sliceway_time_per_output_token_seconds_sum')).toBeCloseTo(between / 2, 9);
    expect(await value('sliceway_queue_time_seconds_count')).toBe(1);
    expect(await value('sliceway_queue_time_seconds_sum')).toBeLessThan(0.018);
  });

  it('counts a retry by its reason, and the first token once', async () => {
    const { recorder, value } = setUp();
    recorder.admitted();
    for (const attempt of [0, 1]) {
      if (attempt === 1) recorder.retried({ number: 1, room: '1'.repeat(16) }, 'kv_timeout');
      recorder.tokenized(3);
      recorder.dispatched();
      recorder.tokens(0, 1);
    }
    recorder.ended('failed', { promptTokens: 3, completionTokens: 1 }, 'worker_lost');
    expect(await value('sliceway_gateway_retries_total{code="kv_timeout"}')).toBe(1);
    expect(await value('sliceway_time_to_first_token_seconds_count')).toBe(1);
    expect(await value('sliceway_inter_token_latency_seconds_count')).toBe(0);
    expect(await value('sliceway_requests_total{end="failed",code="worker_lost"}')).toBe(1);
  });

  it.each([
    ['01', ['inter_token_latency', 'queue_time', 'request_duration', 'time_per_output_token', 'time_to_first_token']],
    ['00', []],
  ])('shows the trace of a request whose traceparent says %s in each histogram', async (flags, expected) => {
    recordAll();
    const traceId = 'c0de'.repeat(8);
    const { recorder, text } = setUp({ traceparent: `00-${traceId}-${'ab'.repeat(8)}-${flags}` });
    recorder.admitted();
    recorder.tokenized(3);
    recorder.dispatched();
    recorder.tokens(0, 1);
    recorder.tokens(0, 2);
    recorder.ended('finished', { promptTokens: 3, completionTokens: 3 }, null);
    const spans = recorded();
    const pattern =
      /^sliceway_(\w+)_seconds_bucket\{le="[^"]+"\} \d+ # \{trace_id="(\w+)",span_id="(\w+)"\} ([\d.e-]+) [\d.]+$/gm;
    const exemplars = [...(await text()).matchAll(pattern)];
    expect(exemplars.map(([, name]) => name).sort()).toEqual(expected);
    for (const [, , trace, span] of exemplars) {
      expect(trace).toBe(traceId);
      expect(spans.map(({ spanId }) => spanId)).toContain(span);
    }
    const [, , , first] = exemplars.find(([, name]) => name === 'time_to_first_token') ?? [];
    if (first !== undefined) expect(named(spans, 'first_token_wait').spanId).toBe(first);
  });

  it('ends the trace when the text has left, and counts before', async () => {
    recordAll();
    recorded();
    let sent = (_isSent: boolean): void => {};
    const { recorder, value } = setUp({}, (then) => (sent = then));
    recorder.admitted();
    recorder.tokenized(3);
    recorder.dispatched();
    recorder.tokens(0, 1);
    recorder.onWrite!(now());
    recorder.ended('finished', { promptTokens: 3, completionTokens: 1 }, null);
    expect(await value('sliceway_request_duration_seconds_count')).toBe(1);
    expect(recorded().map(({ name }) => name)).not.toContain('stream');
    const ts = now();
    sent(true);
    const spans = recorded();
    const stream = named(spans, 'stream');
    expect(stream.endNs).toBeGreaterThanOrEqual(control.toEpochNs(ts, control.epoch));
    expect(stream.events.map(({ name }) => name)).toEqual(['last_text']);
    expect(named(spans, /^gateway Req/).endNs).toBe(stream.endNs);
  });

  it('ends the trace as an error where the rest of the answer is lost, and counts it as it was', async () => {
    recordAll();
    recorded();
    const { recorder, value } = setUp({}, (then) => then(false));
    recorder.admitted();
    recorder.tokenized(3);
    recorder.dispatched();
    recorder.tokens(0, 1);
    recorder.ended('finished', { promptTokens: 3, completionTokens: 1 }, null);
    expect(await value('sliceway_requests_total{end="finished",code="none"}')).toBe(1);
    const spans = recorded();
    for (const name of ['stream', /^gateway Req/, /^Bootstrap/])
      expect(named(spans, name).status).toEqual({ code: SpanStatus.error, message: 'connection_closed' });
  });

  it('says which workers the router chose from, and their scores', () => {
    recordAll();
    recorded();
    const { recorder } = setUp();
    recorder.admitted();
    recorder.tokenized(3);
    const candidates = [
      { role: 'prefill', instance: 'a', score: 1 },
      { role: 'prefill', instance: 'b', score: 2.5 },
      { role: 'decode', instance: 'c', score: 0 },
    ] as const;
    recorder.routed({ prefill: worker('a', { model: 'org/m' }), decode: worker('c'), contextLength: 9, candidates });
    recorder.refused('worker_lost');
    const spans = recorded();
    expect(named(spans, 'route').events).toMatchObject([
      {
        name: 'candidates',
        attributes: {
          prefill: 'a',
          decode: 'c',
          candidates: ['prefill a', 'prefill b', 'decode c'],
          scores: [1, 2.5, 0],
        },
      },
    ]);
    expect(named(spans, /^gateway Req/).attributes).toMatchObject({
      'gen_ai.usage.input_tokens': 3,
      'gen_ai.response.model': 'org/m',
    });
  });

  it('writes a line for each lost attempt and for the end, with where the trace is', () => {
    recordAll();
    const { recorder, lines } = setUp();
    recorder.admitted();
    recorder.tokenized(3);
    recorder.dispatched();
    recorder.retried({ number: 1, room: '1'.repeat(16) }, 'kv_timeout');
    recorder.tokenized(3);
    recorder.dispatched();
    recorder.tokens(0, 1);
    recorder.ended('failed', { promptTokens: 3, completionTokens: 1 }, 'worker_lost');
    const id = (digits: number) => expect.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
    const bound = { level: 'warn', rid: 'ab'.repeat(16), trace_id: id(32), span_id: id(16) };
    expect(lines).toEqual([
      { ...bound, attempt: 1, code: 'kv_timeout', msg: 'request is tried again' },
      {
        ...bound,
        end: 'failed',
        code: 'worker_lost',
        prompt_tokens: 3,
        completion_tokens: 1,
        duration_ms: expect.any(Number),
        ttft_ms: expect.any(Number),
        msg: 'request failed',
      },
    ]);
    const refused = setUp();
    refused.recorder.admitted();
    refused.recorder.ended('finished', { promptTokens: 3, completionTokens: 0 }, null);
    expect(refused.lines).toMatchObject([{ level: 'info', end: 'finished', msg: 'request finished' }]);
    for (const absent of ['code', 'ttft_ms']) expect(refused.lines[0]).not.toHaveProperty(absent);
  });

  it.each([
    [1, null, null, {}],
    [3, 7, 5, { 'gen_ai.request.choice.count': 3, 'gen_ai.request.seed': 7, 'gen_ai.request.max_tokens': 5 }],
  ])('says of a request for %d choices, with seed %p, what the client asked', (choices, seed, maxTokens, expected) => {
    recordAll();
    recorded();
    const { recorder } = setUp();
    const sampling = { ...REQUEST.sampling, temperature: 0.5, topP: 0.9, topK: 40 };
    recorder.received('chat', { ...REQUEST, choices, seed, maxTokens, sampling });
    recorder.refused('queue_full');
    const { attributes } = named(recorded(), /^gateway Req/);
    const asked = Object.entries(attributes).filter(([name]) => name.startsWith('gen_ai.'));
    expect(attributes['attempt']).toBe(0);
    expect(Object.fromEntries(asked)).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'sliceway',
      'gen_ai.request.model': 'm',
      'gen_ai.request.temperature': 0.5,
      'gen_ai.request.top_p': 0.9,
      'gen_ai.request.top_k': 40,
      ...expected,
    });
  });
});
