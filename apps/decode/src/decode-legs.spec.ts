import { EngineError } from '@sliceway/engine';
import { FailureCode, FinishReason } from '@sliceway/protocol';
import {
  abort,
  GATEWAY,
  ID,
  leg,
  RID,
  SEGMENT,
  setUp,
  token,
  TOKENIZER,
  PREFILL,
  first,
  heard,
} from './decode-legs.fixture.js';

type Context = ReturnType<typeof setUp>;

describe('DecodeLegs', () => {
  it('tells prefill that a request waits for pages, until they are reserved or it is given up', async () => {
    const { legs, accept, announced, reserved } = setUp();
    accept();
    expect(announced).toEqual(new Set([PREFILL]));
    reserved[0]!.grant();
    await heard();
    expect(announced.size).toBe(0);
    accept({ choice: 1 });
    expect(announced.size).toBe(1);
    legs.abort(abort());
    expect(announced.size).toBe(0);
  });

  it('fails a request that has no room here for another token, instead of waiting for one', async () => {
    const { legs, opened, receive, failed, faults } = setUp();
    await receive();
    faults.noRoom = true;
    opened[0]!.events.onComplete([first()]);
    expect(failed).toMatchObject([{ rid: RID, code: FailureCode.promptTooLong }]);
    expect(legs.active).toBe(0);
  });

  it('reserves, receives, starts from the first token, and frees after the last', async () => {
    const { legs, engine, said, reserved, opened, receive, step, failed } = setUp();
    expect(engine.listener).toBe(legs);
    await receive();
    expect(reserved[0]!.request).toEqual({
      ...{ id: ID, kind: 'decode', promptIds: [1, 2], sampling: leg().sampling, firstChoice: 0, choices: 1 },
    });
    expect(opened[0]!.id).toEqual({ rid: RID, choice: 0, attempt: 0, room: '0'.repeat(16), peer: PREFILL });
    expect(opened[0]!.sink.write(SEGMENT, new Uint8Array(1))).toBe(true);
    opened[0]!.events.onComplete([first()]);
    step(token());
    expect(legs.active).toBe(1);
    step(token({ index: 2, finish: 'length' }));
    expect(said).toEqual([
      `import ${ID}`,
      `start ${ID} 5`,
      `token 0:1 0 to ${TOKENIZER}`,
      'flush',
      `token 0:2 2 to ${TOKENIZER}`,
      'flush',
      `abort ${ID}`,
    ]);
    expect([legs.active, failed]).toEqual([0, []]);
  });

  it('opens no transfer before its pages are reserved', async () => {
    const { opened, accept, reserved } = setUp();
    accept();
    await heard();
    expect(opened).toEqual([]);
    reserved[0]!.grant();
    await heard();
    expect(opened).toHaveLength(1);
  });

  it('goes on with the other choices when one ends, and is over with the last', async () => {
    const { legs, opened, receive, step, said } = setUp();
    await receive({ choices: 3 });
    opened[0]!.events.onComplete([first(), first(FinishReason.stop), first()]);
    expect(legs.active).toBe(1);
    step(token({ finish: 'stop' }), token({ choice: 2 }));
    step(token({ finish: 'stop' }));
    expect(legs.active).toBe(1);
    said.length = 0;
    legs.abort(abort({ choice: 2 }));
    expect(said).toEqual([`abort ${ID} 2`, `abort ${ID}`]);
    expect(legs.active).toBe(0);
  });

  it('is over at once when every first token was the last', async () => {
    const { legs, opened, receive } = setUp();
    await receive({ choices: 2 });
    opened[0]!.events.onComplete([first(FinishReason.stop), first(FinishReason.length)]);
    expect(legs.active).toBe(0);
  });

  it('does not decode a choice that was given up before the leg came, while it waited, or during its transfer', async () => {
    const { legs, opened, accept, reserved, said } = setUp();
    legs.abort(abort({ choice: 0 }));
    accept({ choices: 4 });
    legs.abort(abort({ choice: 1 }));
    reserved[0]!.grant();
    await heard();
    legs.abort(abort({ choice: 2 }));
    expect(said).toEqual([]);
    opened[0]!.events.onComplete([first(), first(), first(), first()]);
    expect(said).toEqual([`start ${ID} 5,5,5,5`, `abort ${ID} 0`, `abort ${ID} 1`, `abort ${ID} 2`]);
    legs.abort(abort({ choice: 3 }));
    expect(legs.active).toBe(0);
  });

  const stages: [string, string[], (context: Context) => void | Promise<void>][] = [
    ['waits for pages', [`abort ${ID}`], ({ accept }) => accept()],
    ['receives', ['close', `abort ${ID}`], ({ receive }) => receive()],
    [
      'decodes',
      [`abort ${ID}`],
      async ({ receive, opened, step }) => {
        await receive();
        opened[0]!.events.onComplete([first()]);
        step(token());
      },
    ],
  ];

  it.each(stages)('an abort frees engine and transport while it %s; what comes later does nothing', async (...row) => {
    const [, freed, reach] = row;
    const context = setUp();
    const { legs, said, opened, reserved, step, failed } = context;
    await reach(context);
    said.length = 0;
    legs.abort(abort());
    expect(said).toEqual(freed);
    legs.abort(abort());
    reserved[0]!.grant();
    await heard();
    opened[0]?.events.onComplete([first()]);
    opened[0]?.events.onFailed(FailureCode.kvTimeout, 'late');
    step(token({ finish: 'stop' }));
    legs.onFailure(ID, new Error('late'));
    expect(said).toEqual([...freed, 'flush']);
    expect([legs.active, failed]).toEqual([0, []]);
  });

  it('says nothing of the reservation that its own abort ends', async () => {
    const { legs, accept, reserved, failed } = setUp();
    accept();
    legs.abort(abort());
    reserved[0]!.refuse(new EngineError('aborted', 'aborted'));
    await heard();
    expect([failed, legs.active]).toEqual([[], 0]);
  });

  it.each<[string, FailureCode, string[], (context: Context) => void | Promise<void>]>([
    [
      'the engine refuses it',
      FailureCode.queueFull,
      [`abort ${ID}`],
      ({ accept, reserved }) => {
        accept();
        reserved[0]!.refuse(new EngineError('queue_full', 'full'));
      },
    ],
    [
      'the transfer fails',
      FailureCode.kvCorrupt,
      ['close', `abort ${ID}`],
      async ({ receive, opened }) => {
        await receive();
        opened[0]!.events.onFailed(FailureCode.kvCorrupt, 'damaged');
      },
    ],
    [
      'the engine does not start',
      FailureCode.badMessage,
      [`abort ${ID}`],
      async ({ receive, opened, faults }) => {
        await receive();
        faults.start = new EngineError('bad_message', 'two first tokens for one choice');
        opened[0]!.events.onComplete([first(), first()]);
      },
    ],
    [
      'the engine fails',
      FailureCode.engineError,
      [`abort ${ID}`],
      async ({ receive, opened, legs }) => {
        await receive();
        opened[0]!.events.onComplete([first()]);
        legs.onFailure(ID, new EngineError('out_of_memory', 'no pages'));
      },
    ],
  ])('is told, and frees, when %s: %s', async (_, code, freed, reach) => {
    const context = setUp();
    await reach(context);
    await heard();
    expect(context.failed).toEqual([{ gateway: GATEWAY, rid: RID, attempt: 0, choice: null, code }]);
    expect(context.said.filter((line) => !line.startsWith('start'))).toEqual(freed);
    expect(context.legs.active).toBe(0);
  });

  it.each<[string, string, 'reserving' | 'receiving' | 'decoding', FailureCode[], number]>([
    ['the gateway, which may wake up', GATEWAY!, 'decoding', [FailureCode.workerLost], 0],
    ['prefill before its pages are reserved', PREFILL!, 'reserving', [FailureCode.workerLost], 0],
    ['prefill during the transfer', PREFILL!, 'receiving', [FailureCode.workerLost], 0],
    ['prefill after the transfer', PREFILL!, 'decoding', [], 1],
    ['the tokenizer', TOKENIZER!, 'decoding', [], 1],
  ])('the end of %s', async (_, instance, stage, codes, left) => {
    const { legs, accept, receive, opened, failed } = setUp();
    if (stage === 'reserving') accept();
    else await receive();
    if (stage === 'decoding') opened[0]!.events.onComplete([first()]);
    legs.dropPeer(instance);
    expect(failed.map(({ code }) => code)).toEqual(codes);
    expect(legs.active).toBe(left);
  });
});
