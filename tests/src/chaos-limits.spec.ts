import { Chaos } from './chaos.fixture.js';
import { FIRST, STORIES } from './stories.fixture.js';
import { until } from './until.fixture.js';

const SLOTS = 4;
/** From admission to the deadline. */
const TIMEOUT_MS = 1500;
const TAKEN_MS = 2000;
const AT_ONCE_MS = 1000;
/** A worker that is stopped for a while is not lost. */
const SLOW_BEATS = { SLICEWAY_HEARTBEAT_INTERVAL_MS: '2000' };
const MAX_TRIES = 5;
const COUNTS = { tokenizer: 1, prefill: 1, decode: 1, gateway: 1 };

describe('a gateway with few slots', () => {
  let chaos: Chaos;

  beforeAll(async () => {
    const env = { ...SLOW_BEATS, SLICEWAY_MAX_CONCURRENT_REQUESTS: String(SLOTS) };
    chaos = await Chaos.start({ counts: COUNTS, env });
  });

  afterAll(() => chaos?.stop());

  it('answers the next request with 429 and Retry-After, at once, and the others in full', async () => {
    const [gateway] = chaos.fixture.cluster.running('gateway');
    const active = (): Promise<number> => chaos.fixture.metric(gateway!, 'sliceway_requests_active');
    // So that no slot becomes free meanwhile.
    chaos.strike(chaos.fixture.cluster.running('decode')[0]!, 'SIGSTOP');
    const load = Promise.all(STORIES.slice(0, SLOTS).map((story) => chaos.ask(story)));
    await until('all slots are taken', TAKEN_MS, async () => (await active()) === SLOTS);
    const startMs = performance.now();
    const [refused] = await Promise.all([chaos.ask(STORIES[4]!), chaos.ask(STORIES[5]!)]);
    expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS);
    await chaos.restore();
    expect(refused.answer).toMatchObject({
      status: 429,
      errorCode: 'queue_full',
      retryAfter: expect.stringMatching(/^\d+$/),
    });
    chaos.expectWhole(await load);
    await chaos.expectQuiet();
    chaos.expectWhole([await chaos.ask(STORIES[5]!)]);
  });
});

describe('workers with one place and a queue of two', () => {
  let chaos: Chaos;

  beforeAll(async () => {
    const env = {
      ...SLOW_BEATS,
      SLICEWAY_MAX_RUNNING: '1',
      SLICEWAY_MAX_QUEUED: '2',
      SLICEWAY_REQUEST_TIMEOUT_MS: String(TIMEOUT_MS),
    };
    chaos = await Chaos.start({ counts: COUNTS, env });
  });

  afterAll(() => chaos?.stop());

  it('refuses what does not fit into the queue with 429, and serves the rest', async () => {
    const short = STORIES.filter(({ n }) => n === 1).map((fields) => ({ ...fields, max_tokens: 60 }));
    const expected = new Map(
      await Promise.all(short.map(async (fields) => [fields, (await chaos.fixture.expected(fields)).texts] as const)),
    );
    const outcomes = await Promise.all(short.map((fields) => chaos.ask(fields)));
    const served = outcomes.filter(({ answer }) => answer?.status === 200);
    const refused = outcomes.filter((outcome) => !served.includes(outcome));
    expect(served.length).toBeGreaterThanOrEqual(3);
    for (const { answer, fields } of served)
      expect(answer).toMatchObject({ isDone: true, texts: expected.get(fields) });
    for (const { answer } of refused)
      expect(answer).toMatchObject({
        status: 429,
        errorCode: 'queue_full',
        retryAfter: expect.stringMatching(/^\d+$/),
      });
    expect(refused).not.toEqual([]);
    await chaos.expectQuiet();
  });

  it('answers 504 at the deadline, and does not compute what has expired', async () => {
    const [decode] = chaos.fixture.cluster.running('decode');
    chaos.strike(decode!, 'SIGSTOP');
    const { rid, load } = await chaos.reached('tokenizing', () =>
      Promise.all([0, 1, 2].map((i) => chaos.ask(STORIES[i]!))),
    );
    const startMs = performance.now();
    const outcomes = await load;
    expect(performance.now() - startMs).toBeLessThan(2 * TIMEOUT_MS);
    expect(outcomes.map((each) => chaos.verdict(each))).toEqual(outcomes.map(() => '504: deadline'));
    await chaos.restore();
    await chaos.expectQuiet();
    await chaos.watch.settled();
    expect(chaos.watch.tokensOf(rid)).toEqual([]);
    expect(chaos.verdict(await chaos.ask(STORIES[1]!))).toBe('whole');
  });

  it('ends a stream with an error event at the deadline', async () => {
    const [decode] = chaos.fixture.cluster.running('decode');
    let verdict = 'whole';
    // On a busy machine the strike may come too late.
    for (let tries = 0; verdict === 'whole' && tries < MAX_TRIES; tries++) {
      const { load } = await chaos.reached('decode', async () => [await chaos.ask(FIRST)]);
      chaos.strike(decode!, 'SIGSTOP');
      verdict = chaos.verdict((await load)[0]!);
      await chaos.restore();
    }
    expect(verdict).toBe('cut: deadline');
    await chaos.expectQuiet();
  });
});
