import { setTimeout as sleep } from 'node:timers/promises';
import { FinishReason, parseDecodeLeg, parseEncodeRequest, parsePrefillLeg } from '@sliceway/protocol';
import {
  DECODE,
  failed,
  GATEWAY,
  PREFILL,
  PROMPT_IDS,
  RID,
  setUp,
  text,
  TOKENIZER,
  type Setup,
} from './lifecycle.fixture.js';
import { RequestState } from './request-lifecycle.js';

async function dispatched(setup: Setup = {}) {
  const parts = setUp(setup);
  void parts.lifecycle.start();
  await parts.cluster.encoded();
  return parts;
}

const ABORTED_ALL = (reason: string) => [`tokenizer all ${reason}`, `prefill all ${reason}`, `decode all ${reason}`];

describe('RequestLifecycle', () => {
  it('sends both legs under one room once the prompt is encoded', async () => {
    const { cluster, observer, lifecycle } = setUp({ request: { choices: 2, stop: ['x'], maxTokens: 9 } });
    void lifecycle.start();
    expect(lifecycle.state).toBe(RequestState.tokenizing);
    expect(parseEncodeRequest(cluster.to('encode')[0])).toEqual({
      rid: RID,
      attempt: 0,
      prompt: { messages: [{ role: 'user', content: 'Hi' }] },
      withText: false,
      deadlineMs: expect.any(Number),
      output: { gateway: GATEWAY, choices: 2, stop: ['x'] },
    });
    await cluster.encoded();
    const prefill = parsePrefillLeg(cluster.to('prefill')[0]);
    const decode = parseDecodeLeg(cluster.to('decode')[0]);
    expect(prefill).toMatchObject({
      rid: RID,
      choice: 0,
      choices: 2,
      attempt: 0,
      room: '0123456789abcdef',
      tokenizer: TOKENIZER,
      decode: DECODE,
      promptIds: PROMPT_IDS,
      sampling: { temperature: 1, seed: 7, maxNewTokens: 9 },
    });
    expect(prefill.deadlineMs).toBeGreaterThan(Date.now());
    expect(parseEncodeRequest(cluster.to('encode')[0]).deadlineMs).toBe(prefill.deadlineMs);
    const { decode: _decode, ...shared } = prefill;
    expect(decode).toEqual({ ...shared, prefill: PREFILL });
    expect(observer.stations).toEqual(['admitted', 'tokenized', 'routed', 'dispatched']);
    lifecycle.abort('client_disconnected');
  });

  it('streams text and ends with the usage', async () => {
    const { cluster, sink, observer, lifecycle, router, ends } = await dispatched();
    lifecycle.onText(text());
    expect(lifecycle.state).toBe(RequestState.streaming);
    lifecycle.onText(text({ index: 1, tokens: [11, 12], text: '' }));
    lifecycle.onText(text({ index: 3, tokens: [13], text: 'bc', finish: FinishReason.length }));
    expect(sink.calls).toEqual([
      'prompt 1 2 3',
      'open a',
      'text 0 a',
      'text 0 ',
      'text 0 bc',
      'finish 0 length',
      'end 3 + 4',
    ]);
    expect(observer.ends).toEqual([['finished', null]]);
    expect(observer.stations.slice(4)).toEqual(['tokens of 0: 1', 'tokens of 0: 2', 'tokens of 0: 1']);
    expect(cluster.aborts).toEqual([]);
    expect(router.inFlight.workers).toBe(0);
    expect(ends()).toBe(1);
  });

  it('gives the rest of the context where no limit was asked for', async () => {
    const { cluster, lifecycle } = await dispatched();
    expect(parsePrefillLeg(cluster.to('prefill')[0]).sampling.maxNewTokens).toBe(100 - PROMPT_IDS.length);
    lifecycle.abort('client_disconnected');
  });

  it.each([
    [97, true],
    [98, false],
  ])('prompt of 3 and at most %d tokens in a context of 100: %s', async (maxTokens, fits) => {
    const { cluster, sink, lifecycle } = await dispatched({ request: { maxTokens } });
    expect(cluster.to('decode')).toHaveLength(fits ? 1 : 0);
    if (!fits) {
      expect(sink.error?.message).toContain('maximum context length is 100 tokens');
      expect(sink.error?.message).toContain('requested 101 tokens (3 in the prompt, 98 in the completion)');
      expect(sink.error).toMatchObject({ status: 400, code: 'context_length_exceeded' });
      expect(cluster.aborts).toEqual(['tokenizer all attempt_failed']);
    }
    lifecycle.abort('client_disconnected');
  });

  it.each([
    ['queue_full', 429],
    ['deadline', 504],
    ['bad_token_id', 400],
  ])('a tokenizer that answers %s ends it with %d', async (code, status) => {
    const { cluster, sink, lifecycle } = setUp();
    void lifecycle.start();
    await cluster.refused(code, 'why');
    expect(sink.calls).toEqual([`fail ${status} ${code}`]);
  });

  it('a prompt that fills the context leaves no room', async () => {
    const { cluster, sink, lifecycle } = setUp();
    void lifecycle.start();
    await cluster.encoded(new Array<number>(100).fill(1));
    expect(sink.calls).toEqual(['fail 400 context_length_exceeded']);
  });

  it('ends when the last of its choices does', async () => {
    const { sink, lifecycle, observer } = await dispatched({ request: { choices: 2 } });
    lifecycle.onText(text({ choice: 1, finish: FinishReason.stop, text: 'b' }));
    expect(observer.ends).toEqual([]);
    lifecycle.onText(text({ choice: 0, finish: FinishReason.stop }));
    expect(sink.calls.slice(2)).toEqual(['text 1 b', 'finish 1 stop', 'text 0 a', 'finish 0 stop', 'end 3 + 2']);
  });

  describe('stop strings', () => {
    it('tell decode at once, while other choices go on', async () => {
      const { cluster, lifecycle } = await dispatched({ request: { choices: 2, stop: ['x'] } });
      lifecycle.onText(text({ choice: 1, tokens: [1, 2], finish: FinishReason.stop, matchedStop: 'x' }));
      expect(cluster.aborts).toEqual(['decode 1 stop_matched']);
      lifecycle.abort('client_disconnected');
    });

    it('leave nothing on decode when they end the request', async () => {
      const { cluster, lifecycle, observer } = await dispatched({ request: { stop: ['x'] } });
      lifecycle.onText(text({ tokens: [1, 2], finish: FinishReason.stop, matchedStop: 'x' }));
      expect(cluster.aborts).toEqual(['decode all stop_matched']);
      expect(observer.ends).toEqual([['finished', null]]);
    });

    it('stop the transfer too when the first token matched', async () => {
      const { cluster, lifecycle } = await dispatched({ request: { stop: ['x'] } });
      lifecycle.onText(text({ finish: FinishReason.stop, matchedStop: 'x' }));
      expect(cluster.aborts).toEqual(['decode all stop_matched', 'prefill all stop_matched']);
    });

    it('are not what a stop token is: the engine has ended by itself', async () => {
      const { cluster, lifecycle } = await dispatched();
      lifecycle.onText(text({ finish: FinishReason.stop, matchedStop: 2 }));
      expect(cluster.aborts).toEqual([]);
    });
  });

  describe('aborts', () => {
    it('before the prompt is encoded, and ignores the late reply', async () => {
      const { cluster, observer, lifecycle, router } = setUp();
      void lifecycle.start();
      lifecycle.abort('client_disconnected');
      await cluster.encoded();
      expect(cluster.aborts).toEqual(['tokenizer all client_disconnected']);
      expect(cluster.to('prefill')).toEqual([]);
      expect(observer.ends).toEqual([['aborted', 'client_disconnected']]);
      expect(router.inFlight.workers).toBe(0);
    });

    it('everywhere while it streams', async () => {
      const { cluster, lifecycle, sink } = await dispatched();
      lifecycle.onText(text());
      lifecycle.abort('client_disconnected');
      expect(cluster.aborts).toEqual(ABORTED_ALL('client_disconnected'));
      lifecycle.onText(text({ index: 1 }));
      expect(sink.calls.at(-1)).toBe('drop');
    });

    it('when the client does not keep up', async () => {
      const { cluster, lifecycle, sink, observer } = await dispatched();
      sink.keepsUp = false;
      lifecycle.onText(text({ finish: FinishReason.stop }));
      expect(cluster.aborts).toEqual(ABORTED_ALL('slow_client'));
      expect(observer.ends).toEqual([['aborted', 'slow_client']]);
    });
  });

  describe('fails', () => {
    it.each([
      ['queue_full', 429],
      ['prompt_too_long', 400],
      ['deadline', 504],
      ['draining', 503],
      ['kv_corrupt', 502],
      ['engine_error', 502],
    ] as const)('with %s as %d', async (code, status) => {
      const { cluster, lifecycle, sink, observer } = await dispatched();
      lifecycle.onText(text());
      lifecycle.onFailed(failed(code));
      expect(sink.calls.at(-1)).toBe(`fail ${status} ${code}`);
      expect(cluster.aborts).toEqual(ABORTED_ALL('attempt_failed'));
      expect(observer.ends).toEqual([['failed', code]]);
    });

    it('when the tokenizer refuses the prompt or is not there', async () => {
      const refused = setUp();
      void refused.lifecycle.start();
      await refused.cluster.refused('messages_refused', 'the template refuses two system messages');
      expect(refused.sink.calls).toEqual(['fail 400 messages_refused']);
      const full = setUp();
      void full.lifecycle.start();
      await full.cluster.refused('queue_full', 'too many requests are open');
      expect(full.sink.calls).toEqual(['fail 429 queue_full']);
      const unreachable = setUp();
      void unreachable.lifecycle.start();
      await unreachable.cluster.unreachable(new Error('no responders'));
      expect(unreachable.sink.calls).toEqual(['fail 500 internal_error']);
    });

    it('when a token is missing', async () => {
      const { lifecycle, sink } = await dispatched();
      lifecycle.onText(text());
      lifecycle.onText(text({ index: 2 }));
      expect(sink.calls.at(-1)).toBe('fail 502 frame_lost');
    });

    it.each([FinishReason.abort, FinishReason.error])('when a choice ends with reason %d', async (finish) => {
      const { lifecycle, sink } = await dispatched();
      lifecycle.onText(text());
      lifecycle.onText(text({ index: 1, finish }));
      expect(sink.calls.at(-1)).toBe('fail 502 engine_error');
    });

    it('at its deadline', async () => {
      const { cluster, observer } = await dispatched({ limits: { timeoutMs: 20 } });
      await sleep(40);
      expect(observer.ends).toEqual([['failed', 'deadline']]);
      expect(cluster.aborts).toEqual(ABORTED_ALL('deadline'));
    });

    it('when no token comes any more, but not before the first', async () => {
      const { lifecycle, observer } = await dispatched({ limits: { stallTimeoutMs: 60 } });
      await sleep(90);
      expect(observer.ends).toEqual([]);
      lifecycle.onText(text());
      await sleep(40);
      lifecycle.onText(text({ index: 1 }));
      await sleep(40);
      expect(observer.ends).toEqual([]);
      await sleep(60);
      expect(observer.ends).toEqual([['failed', 'token_lost']]);
    });

    it('with any worker it depends on, and with prefill only until decode has the KV', async () => {
      const early = await dispatched();
      early.lifecycle.onText(text());
      early.lifecycle.onWorkerLost('prefill', PREFILL);
      expect(early.sink.error?.message).toContain(`prefill worker ${PREFILL} was lost`);
      const late = await dispatched();
      late.lifecycle.onText(text());
      late.lifecycle.onText(text({ index: 1 }));
      expect(late.router.inFlight.of(PREFILL)).toBe(0);
      late.lifecycle.onWorkerLost('prefill', PREFILL);
      expect(late.observer.ends).toEqual([]);
      late.lifecycle.onWorkerLost('decode', '0000ffff');
      expect(late.observer.ends).toEqual([]);
      late.lifecycle.onWorkerLost('decode', DECODE);
      expect(late.observer.ends).toEqual([['failed', 'worker_lost']]);
      expect(late.router.inFlight.workers).toBe(0);
    });

    it('when frames of its tokenizer are lost, not when those of another are', async () => {
      const { lifecycle, observer } = await dispatched();
      lifecycle.onText(text());
      lifecycle.onFramesLost('0000ffff');
      expect(observer.ends).toEqual([]);
      lifecycle.onFramesLost(TOKENIZER);
      expect(observer.ends).toEqual([['failed', 'frame_lost']]);
    });

    it('when no pair is ready by then', async () => {
      const { cluster, lifecycle, ready, sink } = setUp();
      void lifecycle.start();
      ready.decode.pop();
      await cluster.encoded();
      expect(sink.calls).toEqual(['fail 503 not_ready']);
      expect(cluster.aborts).toEqual(['tokenizer all attempt_failed']);
    });
  });

  it('counts its end even if the client cannot be told', async () => {
    const { lifecycle, sink, observer, router } = await dispatched();
    sink.end = () => {
      throw new Error('broken');
    };
    expect(() => lifecycle.onText(text({ finish: FinishReason.stop }))).toThrow('broken');
    lifecycle.abort('client_disconnected');
    expect(observer.ends).toEqual([['finished', null]]);
    expect(router.inFlight.workers).toBe(0);
  });

  it('ignores other attempts, unknown choices and all that comes after the end', async () => {
    const { cluster, lifecycle, sink, observer, ends } = await dispatched();
    lifecycle.onText(text({ attempt: 1 }));
    lifecycle.onText(text({ choice: 1 }));
    lifecycle.onFailed(failed('engine_error', { attempt: 1 }));
    lifecycle.onText(text({ finish: FinishReason.stop }));
    const calls = sink.calls.length;
    lifecycle.onText(text({ index: 1 }));
    lifecycle.onFailed(failed('engine_error'));
    lifecycle.onWorkerLost('decode', DECODE);
    lifecycle.abort('client_disconnected');
    expect(sink.calls).toHaveLength(calls);
    expect(observer.ends).toEqual([['finished', null]]);
    expect(cluster.aborts).toEqual([]);
    expect(ends()).toBe(1);
  });
});
