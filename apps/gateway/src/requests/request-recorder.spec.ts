import { setTimeout as sleep } from 'node:timers/promises';
import type { MetricsRegistry } from '@sliceway/service';
import { now } from '@sliceway/tracing';
import { Registry } from 'prom-client';
import { GatewayMetrics } from './gateway-metrics.js';
import { RequestRecorder } from './request-recorder.js';

function setUp() {
  const registry: MetricsRegistry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const metrics = new GatewayMetrics(registry);
  const options = { rid: 'ab'.repeat(16), room: '0'.repeat(16), headers: {}, metrics, receivedTs: now() };
  const value = async (name: string) => {
    const line = (await registry.metrics()).split('\n').find((candidate) => candidate.startsWith(`${name} `));
    return Number(line?.split(' ')[1]);
  };
  return { recorder: new RequestRecorder(options), value };
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
  });

  it('counts a retry by its reason, and the first token once', async () => {
    const { recorder, value } = setUp();
    recorder.admitted();
    for (const attempt of [0, 1]) {
      if (attempt === 1) recorder.retried(1, 'kv_timeout');
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

  it('counts a refusal by its code, as no request', async () => {
    const { recorder, value } = setUp();
    recorder.refused('queue_full');
    expect(await value('sliceway_refused_requests_total{code="queue_full"}')).toBe(1);
    expect(await value('sliceway_requests_total{end="failed",code="none"}')).toBe(0);
  });
});
