import { atMost, type BenchResult, unless } from '../result.js';
import type { BenchCluster } from './bench-cluster.js';
import { faultOf } from './fault.js';
import { WireCount } from './wire-count.js';

const STREAMS = 16;
const TOKENS = 440;
/** Of the window: all streams run from its beginning to its end. */
const STEPS = 256;
const MAX_MESSAGES_PER_TOKEN = 0.3;

interface Moment {
  readonly published: number;
  /** What had come over the wire to this benchmark when the broker was asked, and when it had answered. */
  readonly seenBefore: number;
  readonly seenAfter: number;
  readonly tokens: number;
  readonly tokenFrames: number;
  readonly heartbeats: number;
}

interface Window {
  readonly published: number;
  /** What came over the wire in between: the broker counted at some time of each moment. */
  readonly atLeast: number;
  readonly atMost: number;
  readonly tokens: number;
  readonly tokenFrames: number;
  readonly heartbeats: number;
}

/**
 * What clients publish while 16 streams decode, for each token that is sampled: `in_msgs` of nats-server's /varz, all of
 * it, heartbeats too. Published messages are what services make; `out_msgs` counts each once for every one who listens, this
 * benchmark as well.
 */
export async function brokerMessagesBench(bench: BenchCluster): Promise<BenchResult> {
  const wire = await WireCount.start(bench.cluster.natsUrl);
  try {
    const start = await momentOf(bench, wire);
    const running = Promise.all(Array.from({ length: STREAMS }, (_, seed) => bench.chat(seed, TOKENS)));
    await Promise.race([running, wire.stepOf(STREAMS)]);
    const from = await momentOf(bench, wire);
    const isEnough = (): boolean => wire.tokenFrames - from.tokenFrames >= STEPS;
    await Promise.race([running, wire.stepOf(STREAMS, isEnough)]);
    const to = await momentOf(bench, wire);
    const answers = await running;
    const window = between(from, to);
    const whole = between(start, await momentOf(bench, wire));
    const note =
      `${window.published} messages, ${window.heartbeats} of them heartbeats, ${window.tokens} tokens in ${window.tokenFrames} steps; ` +
      `${perToken(whole).toFixed(3)} from request to end`;
    const result = atMost(`broker messages a token, B = ${STREAMS}`, perToken(window), MAX_MESSAGES_PER_TOKEN, note);
    return unless(faultOf(answers, TOKENS) ?? faultOfWindow(window) ?? faultOfWhole(whole), result);
  } finally {
    await wire.stop();
  }
}

const perToken = ({ published, tokens }: Window): number => published / tokens;

async function momentOf(bench: BenchCluster, wire: WireCount): Promise<Moment> {
  const seenBefore = wire.messages;
  const { in_msgs: published } = await bench.brokerCounts();
  await wire.settled();
  const { messages: seenAfter, tokens, tokenFrames, heartbeats } = wire;
  return { published, seenBefore, seenAfter, tokens, tokenFrames, heartbeats };
}

function between(from: Moment, to: Moment): Window {
  return {
    published: to.published - from.published,
    atLeast: to.seenBefore - from.seenAfter,
    atMost: to.seenAfter - from.seenBefore,
    tokens: to.tokens - from.tokens,
    tokenFrames: to.tokenFrames - from.tokenFrames,
    heartbeats: to.heartbeats - from.heartbeats,
  };
}

/** The broker counts what it has read when it has handed it on: a few messages of some hundreds. */
const TOLERANCE = 0.02;

function faultOfWindow({ published, atLeast, atMost, tokens, tokenFrames }: Window): string | null {
  if (tokenFrames < STEPS) return `only ${tokenFrames} steps were seen`;
  if (tokens !== tokenFrames * STREAMS) return `${tokens} tokens in ${tokenFrames} steps are not ${STREAMS} a step`;
  const isAll = published > atLeast * (1 - TOLERANCE) && published < atMost * (1 + TOLERANCE);
  return isAll ? null : `the broker counts ${published} messages, the wire shows ${atLeast} to ${atMost}`;
}

function faultOfWhole({ tokens }: Window): string | null {
  return tokens === STREAMS * TOKENS ? null : `${tokens} tokens on the wire, not ${STREAMS * TOKENS}`;
}
