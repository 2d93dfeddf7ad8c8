import { FailureCode, subjects } from '@sliceway/protocol';
import { until } from './until.fixture.js';
import { Workers } from './workers.fixture.js';

const LONG = { sampling: { maxNewTokens: 400 } };
const STRANGER = 'deadbeef';
const MAX_TRIES = 10;
/** Three intervals of 300 ms, and one until it is looked for; three seconds more for a worker that a busy machine lets wait. */
const MISSED_MS = 5000;

describe('workers', () => {
  let workers: Workers;

  beforeAll(async () => {
    workers = await Workers.start({ SLICEWAY_KV_TIMEOUT_MS: '20000' });
  }, 60_000);
  afterAll(() => workers.stop());
  beforeEach(() => workers.live());
  afterEach(async () => {
    workers.die();
    await workers.free();
  });

  it('serve a request, with log probabilities where they are asked for', async () => {
    const plain = await workers.finished(await workers.begin());
    expect(plain.flatMap(({ tokens }) => tokens)).toHaveLength(8);
    expect(plain.every(({ logprobs }) => logprobs === null)).toBe(true);
    const entries = await workers.finished(await workers.begin({ sampling: { logprobs: 2 } }));
    expect(entries.flatMap(({ tokens }) => tokens)).toEqual(plain.flatMap(({ tokens }) => tokens));
    for (const { tokens, logprobs } of entries) {
      expect(logprobs).toHaveLength(tokens.length);
      for (const [i, { logprob, top }] of logprobs!.entries()) {
        // Greedy: the token is the likeliest one.
        expect(top).toHaveLength(2);
        expect(top[0]).toMatchObject({ token: tokens[i], logprob });
      }
    }
  });

  it('do not compute what comes after its deadline, and report it', async () => {
    const late = workers.request();
    for (const role of ['prefill', 'decode'] as const) {
      workers.legTo(role, late, { deadlineMs: Date.now() - 1 });
      expect(await workers.failed(late, role)).toMatchObject({ code: FailureCode.deadline });
    }
    expect(await workers.held()).toEqual([]);
  });

  it('give up what waits when its deadline passes', async () => {
    const waits = workers.request();
    for (const role of ['prefill', 'decode'] as const) {
      // Each waits for a partner that never comes.
      workers.legTo(role, waits, { deadlineMs: Date.now() + 1000 }, STRANGER);
      await until('it waits', async () => (await workers.metric(workers.get(role), 'sliceway_requests_active')) === 1);
      expect(await workers.failed(waits, role)).toMatchObject({ code: FailureCode.deadline });
    }
  });

  it('free all requests of a gateway that is lost, at each stage', async () => {
    const lonely = workers.request();
    await workers.encode(lonely);
    workers.legTo('prefill', lonely, {}, STRANGER);
    workers.legTo('decode', workers.request(), {}, STRANGER);
    const runs = await workers.begin(LONG);
    await until('tokens come', () => workers.tokensOf(runs).length > 2);
    expect(await workers.metric(workers.get('tokenizer'), 'sliceway_requests_active')).toBe(2);
    workers.die();
    await workers.free(MISSED_MS);
  });

  it('free all requests of a gateway that was restarted', async () => {
    const runs = await workers.begin(LONG);
    await until('tokens come', () => workers.tokensOf(runs).length > 2);
    workers.restart();
    await workers.free(1000);
  });

  it.each([
    ['prefill', 'decode'],
    ['decode', 'prefill'],
  ] as const)('%s reports a lost partner at once', async (role, partnerRole) => {
    const beat = (): void => workers.emit(subjects.heartbeat, workers.beatOf(STRANGER, partnerRole));
    beat();
    const waits = workers.request();
    workers.legTo(role, waits, {}, STRANGER);
    beat();
    const startMs = performance.now();
    expect(await workers.failed(waits, role)).toMatchObject({ code: FailureCode.workerLost });
    expect(performance.now() - startMs).toBeLessThan(MISSED_MS);
  });

  it('drop the frames of an older attempt, and count them: a stopped worker that comes back does no harm', async () => {
    let stale = 0;
    // On a busy machine decode may be done before it is stopped.
    for (let tries = 0; stale === 0 && tries < MAX_TRIES; tries++) stale = await staleTokens();
    expect(stale).toBeGreaterThan(0);
  });

  /** Stops decode in an attempt, lets another one serve the next attempt, and wakes it. @returns token entries dropped */
  async function staleTokens(): Promise<number> {
    const stopped = workers.get('decode');
    const first = await workers.begin(LONG);
    await until('tokens come', () => workers.tokensOf(first).length > 2);
    stopped.kill('SIGSTOP');
    const other = await workers.cluster.startProcess('decode');
    expect(workers.get('decode')).toBe(other);
    const before = workers.texts.length;
    const second = await workers.begin({ sampling: { maxNewTokens: 400, seed: 1 } }, workers.request(1, first.rid));
    await until('tokens come', () => workers.texts.slice(before).some(({ attempt }) => attempt === 1));
    stopped.kill('SIGCONT');
    const dropped = () => workers.metric(workers.get('tokenizer'), 'sliceway_dropped_token_entries_total', 'stale');
    const isDone = async () => (await workers.metric(stopped, 'sliceway_requests_active')) === 0;
    await until('stale tokens are counted, or none come', async () => (await dropped()) > 0 || isDone());
    const subject = subjects.abort('decode', stopped.instance);
    workers.emit(subject, { rid: first.rid, choice: null, attempt: 0, reason: 'superseded' });
    const entries = (await workers.finished(second)).filter(({ attempt }) => attempt === 1);
    expect(entries.flatMap(({ tokens }) => tokens)).toHaveLength(400);
    expect(entries.map(({ index }) => index)).toEqual(entries.map((_, i) => i));
    other.kill('SIGKILL');
    await other.exited;
    return dropped();
  }

  it.each(['prefill', 'decode'] as const)(
    '%s refuses a leg while it drains, also when it has nothing to do',
    async (role) => {
      const leaving = await workers.cluster.startProcess(role);
      const draining = workers.beat(({ instance, state }) => instance === leaving.instance && state === 'draining');
      leaving.kill('SIGTERM');
      await draining;
      const late = workers.request();
      const subject = subjects.leg(role, leaving.instance);
      workers.emit(subject, { ...workers.leg(late), prefill: STRANGER, decode: STRANGER });
      expect(await workers.failed(late, role)).toMatchObject({ code: FailureCode.draining });
      await leaving.exited;
    },
  );

  it('a tokenizer refuses a prompt while it drains', async () => {
    const leaving = await workers.cluster.startProcess('tokenizer');
    const draining = workers.beat(({ instance, state }) => instance === leaving.instance && state === 'draining');
    leaving.kill('SIGTERM');
    await draining;
    expect(await workers.encode(workers.request())).toMatchObject({ error: { code: FailureCode.draining } });
    await leaving.exited;
  });

  it('go on with what they have while they drain', async () => {
    const leaving = await workers.cluster.startProcess('decode');
    const runs = await workers.begin({ sampling: { maxNewTokens: 200 } });
    await until('tokens come', () => workers.tokensOf(runs).length > 2);
    leaving.kill('SIGTERM');
    await workers.finished(runs);
    expect(workers.tokensOf(runs)).toHaveLength(200);
    expect((await leaving.exited).code).toBe(0);
  });
});
