import { validateTrace } from '@sliceway/testing';
import { AttributeName, SliceName, SpanStatus, TraceLevel, type TraceSpan } from '@sliceway/tracing';
import { TracedCluster } from './traced-cluster.fixture.js';

/** Which of them end before decode has acknowledged any KV is up to the machine: here it is one in ten. */
const STOPPED = 12;
const READABLE = /[ -~]/;
const MAX_SEEDS = 50;

const reasonsOf = (spans: readonly TraceSpan[]): unknown =>
  spans.find(({ name }) => name.startsWith('gateway Req'))!.attributes[AttributeName.finishReasons];

describe('the trace of a request that a stop string ends', () => {
  let traced: TracedCluster;

  beforeAll(async () => void (traced = await TracedCluster.start()));
  afterAll(() => traced?.stop());

  it('with its first token is whole, wherever the transfer was', async () => {
    const rids: string[] = [];
    for (let i = 0; rids.length < STOPPED; i++) {
      const fields = { content: `story ${i} ${'of old '.repeat(i)}`, max_tokens: 40 };
      const [stop] = (await traced.fixture.expected({ ...fields, max_tokens: 1 })).texts;
      if (!READABLE.test(stop!)) continue;
      const { rid, texts } = await traced.fixture.chat({ ...fields, stop: stop! });
      expect(texts.join('')).toBe('');
      rids.push(rid);
    }
    for (const spans of await traced.traces(rids)) {
      expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
      expect(reasonsOf(spans)).toEqual(['stop']);
      expect(spans.filter(({ status }) => status.code === SpanStatus.error)).toEqual([]);
    }
  });

  it('in one of three choices is whole, and the others go on', async () => {
    const choices = { content: 'pick one', max_tokens: 12, n: 3, temperature: 1 };
    const { seed, stop } = await seedWithStop((seed) => traced.fixture.expected({ ...choices, seed }));
    const { rid } = await traced.fixture.chat({ ...choices, seed, stop });
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    expect(reasonsOf(spans)).toEqual(['length', 'stop', 'length']);
    const tokens = spans.filter(({ name }) => name === SliceName.detokenize).map((span) => span.attributes['tokens']);
    expect(tokens.filter((count) => count === choices.max_tokens)).toHaveLength(2);
  });

  /** A character of the second choice, after its first token, that no other choice has. */
  async function seedWithStop(
    expected: (seed: number) => Promise<{ texts: string[] }>,
  ): Promise<{ seed: number; stop: string }> {
    for (let seed = 0; seed < MAX_SEEDS; seed++) {
      const { texts } = await expected(seed);
      const [before, own, after] = texts as [string, string, string];
      const stop = [...own].find((text, i) => i > 1 && READABLE.test(text) && !(before + after).includes(text));
      if (stop !== undefined && own.indexOf(stop) < own.length - 2) return { seed, stop };
    }
    throw new Error(`no choice of ${MAX_SEEDS} times three has a character of its own`);
  }
});
