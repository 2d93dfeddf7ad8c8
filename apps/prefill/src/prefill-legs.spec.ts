import { EngineError } from '@sliceway/engine';
import { FailureCode, FinishReason } from '@sliceway/protocol';
import {
  abort,
  DECODE,
  GATEWAY,
  ID,
  leg,
  RID,
  SEGMENT,
  setUp,
  STRANGER,
  token,
  TOKENIZER,
} from './prefill-legs.fixture.js';

type Context = ReturnType<typeof setUp>;
const FREED = ['close', `abort ${ID}`];

describe('PrefillLegs', () => {
  it('computes after the bootstrap, publishes tokens before the last KV, and frees when decode has all', () => {
    const { legs, said, submitted, opened, firstTokens, accept, step, failed, engine } = setUp();
    expect(engine.listener).toBe(legs);
    accept();
    expect([said, legs.active]).toEqual([[], 1]);
    expect(opened[0]!.id).toEqual({ rid: RID, choice: 0, attempt: 0, room: '0'.repeat(16), peer: DECODE });
    opened[0]!.events.onOpen();
    expect(submitted).toEqual([
      { id: ID, kind: 'prefill', promptIds: [1, 2], sampling: leg().sampling, firstChoice: 0, choices: 1 },
    ]);
    legs.onKvReady(ID, SEGMENT);
    expect(opened[0]!.source.read(SEGMENT)).toEqual([Buffer.from(ID)]);
    step(token());
    expect(said).toEqual([`submit ${ID}`, 'push', `token 0:0 0 to ${TOKENIZER}`, 'flush', 'finish']);
    expect(firstTokens).toEqual([{ token: 7, finish: FinishReason.none }]);
    expect(legs.active).toBe(1);
    opened[0]!.events.onDone();
    expect(said.slice(5)).toEqual(FREED);
    expect([legs.active, failed]).toEqual([0, []]);
  });

  it('hands on one first token a choice, with its end', () => {
    const { said, opened, submitted, firstTokens, accept, step } = setUp();
    accept({ choices: 2 });
    opened[0]!.events.onOpen();
    expect(submitted[0]).toMatchObject({ firstChoice: 0, choices: 2 });
    step(token(), token({ choice: 1, token: 8, finish: 'stop' }));
    expect(firstTokens).toEqual([
      { token: 7, finish: FinishReason.none },
      { token: 8, finish: FinishReason.stop },
    ]);
    expect(said.filter((line) => line === 'finish' || line === 'flush')).toEqual(['flush', 'finish']);
  });

  it('keeps requests of one step apart', () => {
    const { said, opened, firstTokens, accept, step } = setUp();
    accept();
    accept({ choice: 1 });
    for (const { events } of opened) events.onOpen();
    step(token(), token({ id: `${RID}/1/0`, choice: 1, token: 8 }), token({ id: 'gone', token: 9 }));
    expect(said.filter((line) => line === 'finish')).toHaveLength(2);
    expect(firstTokens).toMatchObject([{ token: 7 }, { token: 8 }]);
  });

  const stages: [string, (context: Context) => void][] = [
    ['waits for the bootstrap', () => {}],
    ['waits in the engine', ({ opened }) => opened[0]!.events.onOpen()],
    [
      'sends its KV',
      ({ opened, legs, step }) => {
        opened[0]!.events.onOpen();
        legs.onKvReady(ID, SEGMENT);
        step(token());
      },
    ],
  ];

  it.each(stages)('an abort frees engine and transport while it %s; what comes later does nothing', (_, reach) => {
    const context = setUp();
    const { legs, said, opened, accept, step, failed } = context;
    accept();
    reach(context);
    said.length = 0;
    legs.abort(abort());
    expect(said).toEqual(FREED);
    legs.abort(abort());
    opened[0]!.events.onOpen();
    legs.onKvReady(ID, SEGMENT);
    step(token());
    opened[0]!.events.onDone();
    opened[0]!.events.onFailed(FailureCode.kvTimeout, 'late');
    legs.onFailure(ID, new Error('late'));
    expect(said).toEqual([...FREED, 'flush']);
    expect([legs.active, failed]).toEqual([0, []]);
  });

  it.each(stages)('a failed transfer is told, and frees, while it %s', (_, reach) => {
    const context = setUp();
    const { legs, said, opened, accept, failed } = context;
    accept();
    reach(context);
    said.length = 0;
    opened[0]!.events.onFailed(FailureCode.kvTimeout, 'silence');
    expect(said).toEqual(FREED);
    expect(failed).toEqual([{ gateway: GATEWAY, rid: RID, attempt: 0, choice: null, code: 'kv_timeout' }]);
    expect(legs.active).toBe(0);
  });

  it('tells with which code the engine refused, or failed', () => {
    const { legs, said, opened, accept, failed, refuse } = setUp();
    refuse(new EngineError('queue_full', 'full'));
    accept();
    opened[0]!.events.onOpen();
    expect(said).toEqual(FREED);
    refuse(new TypeError('a bug'));
    accept({ choice: 1 });
    opened[1]!.events.onOpen();
    expect(failed.map(({ code }) => code)).toEqual(['queue_full', 'engine_error']);
    accept({ choice: 2 });
    legs.onFailure(`${RID}/2/0`, new EngineError('prompt_too_long', 'long'));
    expect(failed[2]).toMatchObject({ code: 'prompt_too_long' });
    expect(legs.active).toBe(0);
  });

  it('opens nothing for a leg that was aborted before it came, and goes on without one of several choices', () => {
    const { legs, opened, accept, said } = setUp();
    legs.abort(abort());
    accept();
    expect([opened, legs.active]).toEqual([[], 0]);
    accept({ attempt: 1, choices: 2 });
    legs.abort(abort({ choice: 1, attempt: 1 }));
    expect([said, legs.active]).toEqual([[], 1]);
  });

  it('a newer attempt takes the place of an older one', () => {
    const { legs, opened, accept, said } = setUp();
    accept();
    accept({ attempt: 1 });
    expect([said, opened.length, legs.active]).toEqual([FREED, 2, 1]);
  });

  it.each([
    ['gateway', GATEWAY, ['worker_lost']],
    ['decode', DECODE, ['worker_lost']],
    ['tokenizer', TOKENIZER, null],
    ['stranger', STRANGER, null],
  ])('the end of its %s', (_, instance, codes) => {
    const { legs, accept, said, failed } = setUp();
    accept();
    legs.dropPeer(instance!);
    expect(said).toEqual(codes === null ? [] : FREED);
    expect(failed.map(({ code }) => code)).toEqual(codes ?? []);
  });
});
