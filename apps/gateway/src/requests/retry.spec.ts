import { setTimeout as sleep } from 'node:timers/promises';
import { FinishReason, parseDecodeLeg, parseEncodeRequest, parsePrefillLeg } from '@sliceway/protocol';
import { workerFailure } from './failure-errors.js';
import {
  DECODE,
  failed,
  PREFILL,
  PROMPT_IDS,
  readyWorker,
  setUp,
  text,
  TOKENIZER,
  type Setup,
} from './lifecycle.fixture.js';
import { RequestState } from './request-lifecycle.js';

const TOKENIZER_2 = '00000011';
const PREFILL_2 = '00000012';
const DECODE_2 = '00000013';
const SUPERSEDED = ['tokenizer all superseded', 'prefill all superseded', 'decode all superseded'];

/** Two workers of each role; the first ones are taken first. */
function twoPairs(setup: Setup = {}) {
  const parts = setUp(setup);
  parts.ready.tokenizer.push(readyWorker(TOKENIZER_2));
  parts.ready.prefill.push(readyWorker(PREFILL_2));
  parts.ready.decode.push(readyWorker(DECODE_2));
  void parts.lifecycle.start();
  return parts;
}

async function dispatched(setup: Setup = {}) {
  const parts = twoPairs(setup);
  await parts.cluster.encoded();
  expect(parts.lifecycle.state).toBe(RequestState.dispatched);
  return parts;
}

describe('a second attempt', () => {
  it('asks another tokenizer when the first is lost while it encodes, and ignores its late reply', async () => {
    const { cluster, lifecycle, observer } = twoPairs();
    lifecycle.onWorkerLost('tokenizer', TOKENIZER);
    expect(cluster.receivers('encode')).toEqual([TOKENIZER, TOKENIZER_2]);
    expect(cluster.to('encode').map((each) => parseEncodeRequest(each).attempt)).toEqual([0, 1]);
    expect(parseEncodeRequest(cluster.to('encode')[1]).prompt).toHaveProperty('messages');
    expect(cluster.aborts).toEqual(['tokenizer all superseded']);
    await cluster.encoded();
    expect(parseDecodeLeg(cluster.to('decode')[0]).tokenizer).toBe(TOKENIZER_2);
    lifecycle.onText(text({ attempt: 1, finish: FinishReason.stop }));
    expect(observer.ends).toEqual([['finished', null]]);
  });

  it('asks another tokenizer when the first does not answer or is full', async () => {
    const silent = twoPairs();
    await silent.cluster.unreachable(workerFailure('worker_lost', 'no answer'));
    expect(silent.cluster.receivers('encode')).toEqual([TOKENIZER, TOKENIZER_2]);
    silent.lifecycle.abort('client_disconnected');
    const full = twoPairs();
    await full.cluster.refused('queue_full', 'full');
    expect(full.cluster.receivers('encode')).toEqual([TOKENIZER, TOKENIZER_2]);
    full.lifecycle.abort('client_disconnected');
  });

  it('asks once for the text of a prompt of ids, and never for a text that came with the request', async () => {
    const { cluster, lifecycle, sink } = twoPairs({ request: { prompt: { ids: PROMPT_IDS }, withPromptText: true } });
    await cluster.encoded(PROMPT_IDS, 'abc');
    lifecycle.onWorkerLost('prefill', PREFILL);
    await cluster.encoded();
    expect(cluster.to('encode').map((each) => parseEncodeRequest(each).withText)).toEqual([true, false]);
    lifecycle.onText(text({ attempt: 1, finish: FinishReason.stop }));
    expect(sink.calls[0]).toBe('prompt 1 2 3: abc');
    const given = await dispatched({ request: { prompt: { text: 'xyz' }, withPromptText: true } });
    expect(parseEncodeRequest(given.cluster.to('encode')[0]).withText).toBe(false);
    given.lifecycle.onText(text({ finish: FinishReason.stop }));
    expect(given.sink.calls[0]).toBe('prompt 1 2 3: xyz');
  });

  it('goes to another pair when prefill is lost, with the ids there are, a new room and the old deadline', async () => {
    const { cluster, lifecycle, observer, sink, router } = await dispatched();
    lifecycle.onWorkerLost('prefill', PREFILL);
    expect(cluster.aborts).toEqual(SUPERSEDED);
    expect(lifecycle.state).toBe(RequestState.tokenizing);
    const encode = parseEncodeRequest(cluster.to('encode')[1]);
    expect(cluster.receivers('encode')).toEqual([TOKENIZER, TOKENIZER]);
    expect(encode).toMatchObject({ attempt: 1, prompt: { ids: PROMPT_IDS } });
    await cluster.encoded();
    const [old, fresh] = cluster.to('prefill').map(parsePrefillLeg);
    expect(cluster.receivers('prefill')).toEqual([PREFILL, PREFILL_2]);
    expect(cluster.receivers('decode')).toEqual([DECODE, DECODE_2]);
    expect(fresh).toMatchObject({ attempt: 1, decode: DECODE_2, deadlineMs: old!.deadlineMs });
    expect(fresh!.room).not.toBe(old!.room);
    expect(parseDecodeLeg(cluster.to('decode')[1])).toMatchObject({
      attempt: 1,
      room: fresh!.room,
      prefill: PREFILL_2,
    });
    expect(router.inFlight.of(PREFILL)).toBe(0);
    lifecycle.onText(text({ attempt: 1 }));
    lifecycle.onText(text({ attempt: 1, index: 1, finish: FinishReason.stop, text: 'b' }));
    expect(sink.calls).toEqual(['prompt 1 2 3', 'open a', 'text 0 a', 'text 0 b', 'finish 0 stop', 'end 3 + 2']);
    expect(observer.stations.slice(4, 5)).toEqual(['attempt 1: worker_lost']);
    expect(observer.ends).toEqual([['finished', null]]);
    expect(router.inFlight.workers).toBe(0);
  });

  it.each(['kv_timeout', 'bootstrap_timeout', 'kv_corrupt', 'frame_lost', 'engine_error', 'draining'] as const)(
    'follows %s',
    async (code) => {
      const { cluster, lifecycle } = await dispatched();
      lifecycle.onFailed(failed(code));
      await cluster.encoded();
      expect(cluster.receivers('decode')).toEqual([DECODE, DECODE_2]);
      lifecycle.abort('client_disconnected');
    },
  );

  it.each(['prompt_too_long', 'bad_message', 'deadline'] as const)('does not follow %s', async (code) => {
    const { lifecycle, observer } = await dispatched();
    lifecycle.onFailed(failed(code));
    expect(observer.ends).toEqual([['failed', code]]);
  });

  it('is the last one', async () => {
    const { cluster, lifecycle, observer, sink, ends } = await dispatched();
    lifecycle.onFailed(failed('kv_timeout'));
    await cluster.encoded();
    lifecycle.onFailed(failed('engine_error', { attempt: 1, from: { role: 'decode', instance: DECODE_2 } }));
    expect(sink.calls).toEqual(['fail 502 engine_error']);
    expect(observer.ends).toEqual([['failed', 'engine_error']]);
    expect(cluster.aborts.slice(3)).toEqual(SUPERSEDED.map((abort) => abort.replace('superseded', 'attempt_failed')));
    expect(ends()).toBe(1);
  });

  it('does not come once a byte has left', async () => {
    const { lifecycle, observer } = await dispatched();
    lifecycle.onText(text());
    lifecycle.onWorkerLost('decode', DECODE);
    expect(observer.ends).toEqual([['failed', 'worker_lost']]);
  });

  it('begins a whole answer again, whatever had come of it; late text is dropped', async () => {
    const { cluster, lifecycle, sink, observer, admission } = await dispatched({ isStreamed: false });
    lifecycle.onText(text({ tokens: [1, 2, 3], text: 'lost' }));
    lifecycle.onWorkerLost('decode', DECODE);
    expect(lifecycle.onText(text({ index: 3 }))).toBe(false);
    await cluster.encoded();
    expect(lifecycle.onText(text({ index: 3 }))).toBe(false);
    expect(lifecycle.onText(text({ attempt: 1, finish: FinishReason.stop }))).toBe(true);
    expect(sink.calls.slice(3)).toEqual(['prompt 1 2 3', 'open a', 'text 0 a', 'finish 0 stop', 'end 3 + 1']);
    expect(observer.ends).toEqual([['finished', null]]);
    expect([admission.running, admission.queued, admission.queuedTokens]).toEqual([0, 0, 0]);
  });

  it('takes the same pair when there is no other and nobody is at fault', async () => {
    const { cluster, lifecycle } = setUp();
    void lifecycle.start();
    await cluster.encoded();
    lifecycle.onFailed(failed('kv_corrupt'));
    await cluster.encoded();
    expect(cluster.receivers('decode')).toEqual([DECODE, DECODE]);
    lifecycle.abort('client_disconnected');
  });

  it.each([
    ['engine_error', 502],
    ['draining', 503],
  ] as const)('does not go back to the worker that had %s: the client is told of it', async (code, status) => {
    const { cluster, lifecycle, sink, observer } = setUp();
    void lifecycle.start();
    await cluster.encoded();
    lifecycle.onFailed(failed(code));
    expect(sink.calls).toEqual([`fail ${status} ${code}`]);
    expect(observer.stations).not.toContain(`attempt 1: ${code}`);
  });

  it('leaves out whom the partner has lost', async () => {
    const { cluster, lifecycle, ready, sink } = setUp();
    ready.prefill.push(readyWorker(PREFILL_2));
    void lifecycle.start();
    await cluster.encoded();
    lifecycle.onFailed(failed('worker_lost'));
    await cluster.encoded();
    expect(cluster.receivers('prefill')).toEqual([PREFILL, PREFILL_2]);
    expect(cluster.receivers('decode')).toEqual([DECODE, DECODE]);
    expect(sink.calls).toEqual([]);
    lifecycle.abort('client_disconnected');
  });

  it('ends with the first failure when the others go while it encodes', async () => {
    const { cluster, lifecycle, ready, sink } = await dispatched();
    lifecycle.onWorkerLost('decode', DECODE);
    ready.decode.length = 0;
    await cluster.encoded();
    expect(sink.calls).toEqual(['fail 502 worker_lost']);
  });

  it.each([
    [15, 'retried'],
    [16, 'refused'],
  ])('of a full worker: another one with %d of 16 places taken, %s', async (running, outcome) => {
    const { cluster, lifecycle, ready, sink } = setUp();
    void lifecycle.start();
    await cluster.encoded();
    const other = readyWorker(DECODE_2);
    ready.decode.push({ ...other, load: { ...other.load, running } });
    lifecycle.onFailed(failed('queue_full'));
    await cluster.encoded();
    expect(cluster.receivers('decode')).toEqual(outcome === 'retried' ? [DECODE, DECODE_2] : [DECODE]);
    if (outcome === 'refused') expect(sink.error).toMatchObject({ status: 429, retryAfterSeconds: 1 });
    lifecycle.abort('client_disconnected');
  });

  it('ends with the client, at whom it has got to', async () => {
    const { cluster, lifecycle, observer, router } = await dispatched();
    lifecycle.onWorkerLost('prefill', PREFILL);
    lifecycle.abort('client_disconnected');
    await cluster.encoded();
    expect(cluster.aborts.slice(3)).toEqual(['tokenizer all client_disconnected']);
    expect(cluster.to('prefill')).toHaveLength(1);
    expect(observer.ends).toEqual([['aborted', 'client_disconnected']]);
    expect(router.inFlight.workers).toBe(0);
  });

  it('has the deadline of the first', async () => {
    const { cluster, lifecycle, observer } = await dispatched({ limits: { timeoutMs: 60 } });
    await sleep(30);
    lifecycle.onWorkerLost('prefill', PREFILL);
    await cluster.encoded();
    await sleep(45);
    expect(observer.ends).toEqual([['failed', 'deadline']]);
  });

  it('has no stall timer left of the first', async () => {
    const { cluster, lifecycle, observer } = await dispatched({ isStreamed: false, limits: { stallTimeoutMs: 30 } });
    lifecycle.onText(text());
    lifecycle.onWorkerLost('decode', DECODE);
    await cluster.encoded();
    await sleep(60);
    expect(observer.ends).toEqual([]);
    lifecycle.abort('client_disconnected');
  });
});

describe('nats-server that goes', () => {
  it('under way: waits until workers are heard again, and begins once more', async () => {
    const { cluster, lifecycle, ready, observer } = await dispatched();
    const workers = { ...ready };
    ready.tokenizer = [];
    lifecycle.onBrokerLost();
    await sleep(120);
    expect(cluster.receivers('encode')).toEqual([TOKENIZER]);
    ready.tokenizer = workers.tokenizer;
    await sleep(80);
    expect(cluster.receivers('encode')).toEqual([TOKENIZER, TOKENIZER]);
    await cluster.encoded();
    expect(observer.stations).toContain('attempt 1: worker_lost');
    expect(cluster.to('decode')).toHaveLength(2);
    lifecycle.abort('client_disconnected');
  });

  it('while legs leave: it is noticed though nobody answers', async () => {
    const { cluster, lifecycle, observer } = twoPairs();
    cluster.isBrokerThere = false;
    await cluster.encoded();
    expect(observer.stations.at(-1)).toBe('attempt 1: worker_lost');
    cluster.isBrokerThere = true;
    await sleep(80);
    await cluster.encoded();
    expect(cluster.to('decode')).toHaveLength(2);
    lifecycle.abort('client_disconnected');
  });

  it('leaves alone what streams', async () => {
    const { lifecycle, observer } = await dispatched();
    lifecycle.onText(text());
    lifecycle.onBrokerLost();
    lifecycle.onText(text({ index: 1, finish: FinishReason.stop }));
    expect(observer.ends).toEqual([['finished', null]]);
  });
});
