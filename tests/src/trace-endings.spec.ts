import { validateTrace } from '@sliceway/testing';
import { AttributeName, SliceName, SpanStatus, TraceLevel, type TraceSpan } from '@sliceway/tracing';
import type { Chaos } from './chaos.fixture.js';
import { FIRST } from './stories.fixture.js';
import { TracedChaos } from './traced-chaos.fixture.js';
import { failuresOf, retriedFrom, TracedCluster } from './traced-cluster.fixture.js';
import type { Stage } from './wire-watch.fixture.js';

/** Which of them end before decode has acknowledged any KV is up to the machine: here it is one in ten. */
const STOPPED = 12;
const READABLE = /[ -~]/;
const MAX_SEEDS = 50;
/** From admission to the deadline, and from one token to the next. */
const TIMEOUT_MS = 3000;
const STALL_MS = 800;
const MAX_TRIES = 5;

const reasonsOf = (spans: readonly TraceSpan[]): unknown =>
  spans.find(({ name }) => name.startsWith('gateway Req'))!.attributes[AttributeName.finishReasons];

/** One that was stopped while it waited for another may see that first. */
const outOfTime = (role: string): unknown =>
  expect.stringMatching(new RegExp(`^${role}: (deadline|attempt_failed|bootstrap_timeout|kv_timeout)$`));

describe('the trace of a request', () => {
  let traced: TracedCluster;

  beforeAll(async () => void (traced = await TracedCluster.start()));
  afterAll(() => traced?.stop());

  it('that a stop string ends with its first token is whole, wherever the transfer was', async () => {
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

  it('of which a stop string ends one of three choices is whole, and the others go on', async () => {
    const choices = { content: 'pick one', max_tokens: 12, n: 3, temperature: 1 };
    const { seed, stop } = await seedWithStop((seed) => traced.fixture.expected({ ...choices, seed }));
    const { rid } = await traced.fixture.chat({ ...choices, seed, stop });
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    expect(reasonsOf(spans)).toEqual(['length', 'stop', 'length']);
    const tokens = spans.filter(({ name }) => name === SliceName.detokenize).map((span) => span.attributes['tokens']);
    expect(tokens.filter((count) => count === choices.max_tokens)).toHaveLength(2);
  });

  it('that the tokenizer throws on is closed with the code', async () => {
    const response = await traced.post({}, { prompt: [99_999] });
    expect(response.status).toBe(400);
    const spans = await traced.trace(response.headers.get('x-request-id')!);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    expect(failuresOf(spans)).toEqual(['gateway: bad_token_id', 'tokenizer: bad_token_id']);
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

describe('the trace of a request that runs out of time', () => {
  let traced: TracedChaos;
  let chaos: Chaos;

  beforeAll(async () => {
    const env = {
      // Who is stopped is not lost.
      SLICEWAY_HEARTBEAT_INTERVAL_MS: '2000',
      SLICEWAY_REQUEST_TIMEOUT_MS: String(TIMEOUT_MS),
      SLICEWAY_STALL_TIMEOUT_MS: String(STALL_MS),
    };
    traced = await TracedChaos.start({ counts: { tokenizer: 1, prefill: 1, decode: 1, gateway: 1 }, env });
    ({ chaos } = traced);
  });
  afterAll(() => traced?.stop());

  it.each([
    [
      'before its first token: the deadline',
      'tokenizing',
      '504: deadline',
      // Whose clock is first tells the others, a worker by the failure of its attempt.
      [outOfTime('decode'), 'gateway: deadline', outOfTime('prefill'), outOfTime('tokenizer')],
    ],
    [
      'in its stream: a stall',
      'decode',
      'cut: token_lost',
      ['decode: attempt_failed', 'gateway: token_lost', 'tokenizer: attempt_failed'],
    ],
  ] as [string, Stage, string, unknown[]][])('%s', async (_, stage, verdict, failures) => {
    let rid = '';
    let found: string | undefined;
    // On a busy machine the strike may come too late.
    for (let tries = 0; found !== verdict && tries < MAX_TRIES; tries++) {
      const reached = await chaos.reached(stage, async () => [await chaos.ask(FIRST)]);
      chaos.strike(chaos.fixture.cluster.running('decode')[0]!, 'SIGSTOP');
      rid = reached.rid;
      found = chaos.verdict((await reached.load)[0]!);
      await chaos.restore();
    }
    expect(found).toBe(verdict);
    expect(failuresOf(await traced.validTrace(rid))).toEqual(failures);
  });
});

describe('the trace of a request that a worker gives up', () => {
  let traced: TracedChaos;
  let chaos: Chaos;

  beforeAll(async () => {
    const env = {
      // Who is stopped is not lost.
      SLICEWAY_HEARTBEAT_INTERVAL_MS: '2000',
      SLICEWAY_MAX_RUNNING: '1',
      SLICEWAY_MAX_QUEUED: '2',
      SLICEWAY_KV_TIMEOUT_MS: String(STALL_MS),
    };
    traced = await TracedChaos.start({ counts: { tokenizer: 1, prefill: 2, decode: 1, gateway: 1 }, env });
    ({ chaos } = traced);
  });
  afterAll(() => traced?.stop());

  it('as its queue is full', async () => {
    const outcomes = await chaos.load();
    const refused = outcomes.filter(({ answer }) => answer?.status === 429);
    expect(refused).not.toEqual([]);
    for (const { answer } of refused) {
      const failures = failuresOf(await traced.validTrace(answer!.rid));
      expect(failures).toContain('gateway: queue_full');
      expect(failures).toContainEqual(expect.stringMatching(/^(prefill|decode): queue_full$/));
    }
  });

  it('as its KV does not come, which is tried again', async () => {
    const { rid } = await chaos.hit('transfer', 'prefill', 'SIGSTOP');
    await chaos.restore();
    const spans = await traced.validTrace(rid);
    expect(failuresOf(spans)).toEqual(expect.arrayContaining(['decode: kv_timeout', 'gateway: kv_timeout']));
    expect(retriedFrom(spans)).not.toEqual([]);
  });
});
