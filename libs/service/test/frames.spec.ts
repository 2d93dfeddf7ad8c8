import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  decodeTokenFrame,
  encodeTokenFrame,
  FinishReason,
  subjects,
  type TokenEntry,
  type TokenFrame,
} from '@sliceway/protocol';
import { FramePublisher, FrameSubscription, identity, tokenCodec, type LogOnce } from '@sliceway/service';
import { Broker } from './broker.fixture.js';

const RECEIVER = '0000000b';
const OTHER = '0000000c';

const entry = (over: Partial<TokenEntry> = {}): TokenEntry => ({
  rid: '0'.repeat(32),
  choice: 0,
  attempt: 0,
  finish: FinishReason.none,
  index: 0,
  tokens: [1],
  logprobs: null,
  ...over,
});

async function reconnected(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) if (type === 'reconnect') return;
}

describe('FramePublisher and FrameSubscription', () => {
  let broker: Broker;
  let near: NatsConnection;
  let far: NatsConnection;
  let frames: TokenFrame[];
  let said: string[];
  let onFrame: (frame: TokenFrame) => void;
  let subscription: FrameSubscription<TokenFrame>;

  beforeAll(async () => {
    broker = await Broker.start();
  });
  beforeEach(async () => {
    [near, far] = [await broker.connect(), await broker.connect()];
    frames = [];
    said = [];
    onFrame = (frame) => frames.push(frame);
    subscription = new FrameSubscription(
      far,
      subjects.tokens(RECEIVER),
      decodeTokenFrame,
      {
        onFrame: (frame) => onFrame(frame),
        onLost: (sender, lost) => said.push(`${sender} lost ${lost}`),
      },
      { warn: (kind: string) => said.push(kind) } as unknown as LogOnce,
    );
    await far.flush();
  });
  afterEach(() => Promise.all([near.close(), far.close()]));
  afterAll(() => broker.stop());

  /** Everything sent so far has been taken. */
  const settled = async (): Promise<void> => {
    await near.flush();
    await far.flush();
  };
  const frameOf = (sender: string, seq: number): Uint8Array => encodeTokenFrame({ sender, seq, entries: [entry()] });
  const publish = (bytes: Uint8Array): void => near.publish(subjects.tokens(RECEIVER), bytes);

  it('sends one frame a step to each receiver, numbered for each', async () => {
    const publisher = new FramePublisher(near, tokenCodec);
    const others: TokenFrame[] = [];
    far.subscribe(subjects.tokens(OTHER), { callback: (_error, { data }) => void others.push(decodeTokenFrame(data)) });
    await far.flush();
    for (let step = 0; step < 3; step++) {
      for (let choice = 0; choice < 16; choice++) publisher.add(RECEIVER, entry({ choice, index: step }));
      if (step === 1) publisher.add(OTHER, entry());
      publisher.flush();
    }
    publisher.flush();
    await settled();
    expect(frames.map(({ seq, count, sender }) => [seq, count, sender])).toEqual([
      [0, 16, identity.instance],
      [1, 16, identity.instance],
      [2, 16, identity.instance],
    ]);
    expect(others.map(({ seq, count }) => [seq, count])).toEqual([[0, 1]]);
    expect(publisher.framesSent).toBe(4);
    expect(said).toEqual([]);
  });

  it('begins with 0 again for a receiver that it forgot', async () => {
    const publisher = new FramePublisher(near, tokenCodec);
    for (let i = 0; i < 2; i++) {
      publisher.add(RECEIVER, entry());
      publisher.flush();
      publisher.forget(RECEIVER);
    }
    await settled();
    expect(frames.map(({ seq }) => seq)).toEqual([0, 0]);
    expect(said).toEqual([]);
  });

  it('makes several frames of a step that does not fit into one message', async () => {
    const publisher = new FramePublisher(near, tokenCodec);
    const tokens = Array.from({ length: 255 }, (_, i) => i);
    for (let i = 0; i < 3000; i++) publisher.add(RECEIVER, entry({ tokens, index: i }));
    publisher.flush();
    await settled();
    expect(frames.length).toBeGreaterThan(3);
    expect(frames.flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual(
      Array.from({ length: 3000 }, (_, i) => i),
    );
    expect(said).toEqual([]);
  });

  it('leaves an entry out that does not fit, and sends nothing when none is left', async () => {
    const publisher = new FramePublisher(near, tokenCodec);
    expect(() => publisher.add(RECEIVER, entry({ rid: 'short' }))).toThrow('rid');
    publisher.flush();
    publisher.add(RECEIVER, entry());
    expect(() => publisher.add(RECEIVER, entry({ index: -1 }))).toThrow('index');
    publisher.flush();
    await settled();
    expect(frames.map(({ seq, count }) => [seq, count])).toEqual([[0, 1]]);
  });

  it('tells of lost frames before the one that shows it, drops and counts duplicates, keeps senders apart', async () => {
    onFrame = ({ sender, seq }) => said.push(`${sender} ${seq}`);
    for (const seq of [0, 1, 4, 4, 3, 5]) publish(frameOf('000000aa', seq));
    publish(frameOf('000000bb', 2));
    publish(frameOf('000000aa', 0));
    await settled();
    expect(said).toEqual([
      '000000aa 0',
      '000000aa 1',
      '000000aa lost 2',
      '000000aa 4',
      'duplicate',
      'duplicate',
      '000000aa 5',
      '000000bb lost 2',
      '000000bb 2',
      '000000aa 0',
    ]);
  });

  it('dates what was lost while the receiver was away, whenever it shows', async () => {
    const late = await broker.connect({ reconnectTimeWait: 2000, reconnectJitter: 0 });
    const soon = await broker.connect({ reconnectTimeWait: 50, reconnectJitter: 0 });
    const lost: (readonly [number, number])[] = [];
    const handlers = {
      onFrame: () => {},
      onLost: (_: string, count: number, untilMs: number) => void lost.push([count, untilMs]),
    };
    const faults = { warn: () => {} } as unknown as LogOnce;
    new FrameSubscription(late, subjects.tokens(OTHER), decodeTokenFrame, handlers, faults);
    await late.flush();
    const publisher = new FramePublisher(soon, tokenCodec);
    const send = (): void => {
      publisher.add(OTHER, entry());
      publisher.flush();
    };
    send();
    await soon.flush();
    const [isBack, isBackLate] = [soon, late].map(reconnected);
    await broker.down();
    await broker.up();
    await isBack;
    send();
    await isBackLate;
    const backMs = performance.now();
    await sleep(20);
    send();
    await soon.flush();
    await late.flush();
    expect(lost).toHaveLength(1);
    expect(lost[0]![1]).toBeLessThanOrEqual(backMs);
    soon.publish(subjects.tokens(OTHER), frameOf(identity.instance, 99));
    await soon.flush();
    await late.flush();
    expect(lost.slice(1)).toEqual([[expect.any(Number), Infinity]]);
  });

  it('starts over with a sender that it forgot', async () => {
    publish(frameOf('000000aa', 0));
    await settled();
    subscription.forget('000000aa');
    publish(frameOf('000000aa', 1));
    await settled();
    expect(said).toEqual(['000000aa lost 1']);
  });

  it('drops what is no frame, and goes on', async () => {
    const good = frameOf('000000aa', 0);
    publish(new Uint8Array(0));
    publish(new Uint8Array(100).fill(255));
    publish(good.subarray(0, good.length - 1));
    publish(good);
    await settled();
    expect(said).toEqual(['frame', 'frame', 'frame']);
    expect(frames).toHaveLength(1);
  });

  it('counts a frame as lost whose handler throws, and goes on', async () => {
    onFrame = (frame) => {
      if (frame.seq === 1) throw new Error('a bug');
      frames.push(frame);
    };
    for (const seq of [0, 1, 2]) publish(frameOf('000000aa', seq));
    await settled();
    expect(said).toEqual(['event', '000000aa lost 1']);
    expect(frames.map(({ seq }) => seq)).toEqual([0, 2]);
  });

  it('hears nothing after it was closed', async () => {
    subscription.close();
    publish(frameOf('000000aa', 0));
    await settled();
    expect(frames).toEqual([]);
  });
});
