import { FinishReason } from '@sliceway/protocol';
import { tokenOf, type FakeDecode, type FakePrefill } from './fake-engines.js';
import { HEARTBEAT_INTERVAL_MS, MODEL } from './fake-peer.js';
import type { FakeTokenizer } from './fake-tokenizer.js';
import { eventually, GatewayFixture } from './fixture.js';

type Workers = { tokenizer: FakeTokenizer; prefill: FakePrefill; decode: FakeDecode };

const body = (fields: object = {}) =>
  JSON.stringify({ model: MODEL, messages: [{ role: 'user', content: 'Hi' }], max_tokens: 5, ...fields });
const ANSWER = Array.from({ length: 5 }, (_, index) => `${tokenOf(0, index)} `).join('');

/** Legs come, but no token leaves. */
function silence({ prefill, decode }: Workers): void {
  prefill.answers = false;
  decode.holdAt = 1;
}

interface Chunk {
  readonly choices: { readonly delta: { readonly content?: string } }[];
}

async function textOf(response: Response, isStreamed: boolean): Promise<string> {
  expect(response.status).toBe(200);
  if (!isStreamed) {
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    return choices[0]!.message.content;
  }
  const events = (await response.text()).split('\n\n').filter((event) => event !== '');
  expect(events.at(-1)).toBe('data: [DONE]');
  return events
    .slice(0, -1)
    .flatMap((event) => (JSON.parse(event.slice('data: '.length)) as Chunk).choices)
    .map(({ delta }) => delta.content ?? '')
    .join('');
}

describe('workers that die while others live', () => {
  let fixture: GatewayFixture;
  let first: Workers;

  beforeEach(async () => {
    fixture = await GatewayFixture.start();
    first = await fixture.addWorkers();
  });
  afterEach(async () => {
    await eventually(async () => (await fixture.metric(/^sliceway_requests_active/)) === 0, 'all requests have ended');
    expect(await fixture.metric(/^sliceway_gateway_queued_tokens/)).toBe(0);
    await fixture.stop();
  });

  it.each([true, false])('prefill before its first token (streamed: %s): another pair answers', async (stream) => {
    silence(first);
    const answer = fixture.post(body({ stream }));
    await eventually(() => first.decode.legs.length === 1, 'the first pair has its legs');
    const second = await fixture.addWorkers(1);
    first.prefill.vanish();
    expect(await textOf(await answer, stream)).toBe(ANSWER);
    const [{ leg: lost }, { leg }] = [first.decode.legs[0]!, second.decode.legs[0]!];
    expect(leg).toMatchObject({ rid: lost.rid, attempt: 1, deadlineMs: lost.deadlineMs, promptIds: lost.promptIds });
    expect(leg.room).not.toBe(lost.room);
    for (const worker of Object.values(first)) {
      expect(worker.abortsOf(leg.rid)).toMatchObject([{ choice: null, attempt: 0, reason: 'superseded' }]);
    }
    expect([await fixture.ends('finished'), await fixture.ends('failed')]).toEqual([1, 0]);
    expect(await fixture.metric(/^sliceway_gateway_retries_total{.*code="worker_lost"/)).toBe(1);
  });

  it('decode in the middle of a whole answer: it begins again, and late text of the lost one is dropped', async () => {
    first.decode.holdAt = 3;
    const answer = fixture.post(body());
    await eventually(() => first.tokenizer.live.size === 1 && first.decode.legs.length === 1, 'it runs');
    const second = await fixture.addWorkers(1);
    second.decode.holdAt = 2;
    first.decode.vanish();
    await eventually(() => second.decode.legs.length === 1, 'the second decode has its leg');
    const { leg } = second.decode.legs[0]!;
    const late = { rid: leg.rid, choice: 0, attempt: 0, index: 3, tokens: [7], text: 'late', logprobs: null };
    first.tokenizer.sendText(leg.gateway, { ...late, finish: FinishReason.stop, matchedStop: null });
    await fixture.connection.flush();
    second.decode.holdAt = Infinity;
    expect(await textOf(await answer, false)).toBe(ANSWER);
    expect(await fixture.metric(/^sliceway_gateway_late_entries_total/)).toBeGreaterThanOrEqual(1);
  });

  it('a tokenizer that encodes: another one does', async () => {
    first.tokenizer.answers = false;
    const answer = fixture.post(body());
    await eventually(() => first.tokenizer.requests.length === 1, 'the tokenizer is asked');
    const second = await fixture.addWorkers(1);
    first.tokenizer.vanish();
    expect(await textOf(await answer, false)).toBe(ANSWER);
    expect(second.tokenizer.requests[0]!.request).toMatchObject({ attempt: 1 });
  });

  it('a draining worker that gives a request back: another one takes it', async () => {
    silence(first);
    const answer = fixture.post(body({ stream: true }));
    await eventually(() => first.prefill.legs.length === 1, 'prefill has its leg');
    await fixture.addWorkers(1);
    first.prefill.fail(first.prefill.legs[0]!.leg, 'draining');
    expect(await textOf(await answer, true)).toBe(ANSWER);
  });

  it('a prompt that fails ends the other prompts of its request; the client is told once', async () => {
    first.decode.holdAt = 2;
    const response = fetch(`${fixture.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: MODEL, prompt: ['one', 'two', 'three'] }),
    });
    await eventually(() => first.decode.legs.length === 3, 'decode has three legs');
    expect(await fixture.metric(/^sliceway_requests_active/)).toBe(3);
    first.decode.fail(first.decode.legs[1]!.leg, 'engine_error');
    expect((await response).status).toBe(502);
    expect(await (await response).json()).toMatchObject({ error: { code: 'engine_error' } });
    await eventually(() => first.decode.running.size === 0, 'decode has stopped');
    expect(await fixture.metric(/^sliceway_requests_total{.*end="failed",code="engine_error"/)).toBe(3);
  });
});

describe('more than the workers can do', () => {
  it('is refused at once, and the depth is shown', async () => {
    const fixture = await GatewayFixture.start({ SLICEWAY_MAX_QUEUED_REQUESTS: '3', SLICEWAY_MAX_QUEUED_TOKENS: '50' });
    try {
      const workers = await fixture.addWorkers();
      const { prefill, decode } = workers;
      silence(workers);
      const waiting = [fixture.post(body()), fixture.post(body())];
      await eventually(() => decode.legs.length === 2, 'two requests wait');
      expect(await fixture.metric(/^sliceway_gateway_queued_requests/)).toBe(2);
      expect(await fixture.metric(/^sliceway_gateway_queued_tokens/)).toBe(14);
      const refused = async (fields: object) => {
        const startMs = performance.now();
        const response = await fixture.post(body(fields));
        expect(performance.now() - startMs).toBeLessThan(1000);
        expect([response.status, response.headers.get('retry-after')]).toEqual([429, '1']);
        expect(await response.json()).toMatchObject({ error: { type: 'rate_limit_error', code: 'queue_full' } });
      };
      await refused({ max_tokens: 40 });
      waiting.push(fixture.post(body()));
      await eventually(() => decode.legs.length === 3, 'three requests wait');
      await refused({});
      for (const { leg } of prefill.legs) prefill.fail(leg, 'prompt_too_long');
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([400, 400, 400]);
      prefill.answers = true;
      decode.holdAt = Infinity;
      expect(await textOf(await fixture.post(body()), false)).toBe(ANSWER);
      expect(await fixture.metric(/^sliceway_gateway_queued_requests/)).toBe(0);
    } finally {
      await fixture.stop();
    }
  });
});

describe('nats-server restarts', () => {
  it('one that waits begins again, one that streams goes on, new ones are told to wait, nothing is left', async () => {
    const fixture = await GatewayFixture.start({ SLICEWAY_STALL_TIMEOUT_MS: '20000' });
    try {
      const workers = await fixture.addWorkers();
      const { prefill, decode, tokenizer } = workers;
      decode.holdAt = 2;
      const streaming = await fixture.post(body({ stream: true }));
      await eventually(() => decode.sent === 1, 'decode has sent its first token');
      silence(workers);
      const waiting = fixture.post(body({ stream: true }));
      await eventually(() => decode.legs.length === 2, 'both have their legs');
      const startNats = await fixture.stopNats();
      await eventually(async () => (await fixture.post(body())).status === 503, 'new ones are refused');
      // Longer than three heartbeats: nobody is lost, since everybody is silent.
      await new Promise((resolve) => setTimeout(resolve, 4 * HEARTBEAT_INTERVAL_MS));
      expect(await fixture.metric(/^sliceway_requests_active/)).toBe(2);
      prefill.answers = true;
      await startNats();
      await eventually(() => decode.legs.length === 3, 'the waiting one has new legs', 8000);
      expect(decode.legs[2]!.leg).toMatchObject({ rid: decode.legs[1]!.leg.rid, attempt: 1 });
      decode.holdAt = Infinity;
      expect(await textOf(await waiting, true)).toBe(ANSWER);
      expect(await textOf(streaming, true)).toBe(ANSWER);
      expect(await textOf(await fixture.post(body()), false)).toBe(ANSWER);
      const { rid } = decode.legs[1]!.leg;
      await eventually(() => tokenizer.abortsOf(rid).length === 1, 'the old attempt is aborted, if late');
      expect(await fixture.metric(/^sliceway_requests_active/)).toBe(0);
      expect(await fixture.ends('finished')).toBe(3);
      expect(await fixture.metric(/^sliceway_requests_total{.*code="not_ready"/)).toBe(await fixture.ends('failed'));
    } finally {
      await fixture.stop();
    }
  }, 30_000);
});
