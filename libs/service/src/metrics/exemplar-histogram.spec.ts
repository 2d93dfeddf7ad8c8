import { jest } from '@jest/globals';
import { Registry } from 'prom-client';
import { ExemplarHistogram } from './exemplar-histogram.js';
import type { MetricsRegistry } from './metrics.js';

const BUCKETS = [1, 2];

function setUp() {
  const registry: MetricsRegistry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const histogram = new ExemplarHistogram(registry, 'h', 'A histogram.', BUCKETS);
  let asked = 0;
  const trace = (spanId: string) => ({
    current: () => {
      asked++;
      return { traceId: 'a'.repeat(32), spanId };
    },
  });
  const lines = async (): Promise<string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('h_'));
  return { histogram, trace, lines, asked: () => asked };
}

describe('ExemplarHistogram', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] }));
  afterEach(() => jest.useRealTimers());

  it('shows a trace in each bucket, and counts as any other', async () => {
    const { histogram, trace, lines } = setUp();
    jest.advanceTimersByTime(5000);
    histogram.observe(1, trace('1'));
    histogram.observe(1.5, trace('2'));
    histogram.observe(3, trace('3'));
    expect(await lines()).toEqual([
      expect.stringMatching(/^h_bucket\{le="1"\} 1 # \{trace_id="a{32}",span_id="1"\} 1 /),
      expect.stringMatching(/^h_bucket\{le="2"\} 2 # \{trace_id="a{32}",span_id="2"\} 1.5 /),
      expect.stringMatching(/^h_bucket\{le="\+Inf"\} 3 # \{trace_id="a{32}",span_id="3"\} 3 /),
      'h_sum 5.5',
      'h_count 3',
    ]);
  });

  it('renews an exemplar once a second, and asks no trace in between', async () => {
    const { histogram, trace, lines, asked } = setUp();
    jest.advanceTimersByTime(5000);
    for (let i = 0; i < 1000; i++) histogram.observe(0.5, trace(`${i}`));
    expect(asked()).toBe(1);
    jest.advanceTimersByTime(999);
    histogram.observe(0.5, trace('early'));
    expect((await lines())[0]).toContain('1001 # {trace_id="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",span_id="0"}');
    jest.advanceTimersByTime(1);
    histogram.observe(0.5, trace('late'));
    expect((await lines())[0]).toContain('1002 # {trace_id="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",span_id="late"}');
    expect(asked()).toBe(2);
  });

  it('waits for a request that is recorded', async () => {
    const { histogram, trace, lines } = setUp();
    jest.advanceTimersByTime(5000);
    histogram.observe(0.5, { current: () => null });
    expect((await lines())[0]).toBe('h_bucket{le="1"} 1');
    histogram.observe(0.5, trace('1'));
    expect((await lines())[0]).toContain('2 # {');
  });
});
