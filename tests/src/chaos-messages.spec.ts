import { readFileSync } from 'node:fs';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { ROLES } from '@sliceway/protocol';
import { mulberry32 } from '@sliceway/testing';
import { Chaos } from './chaos.fixture.js';
import { FIRST } from './stories.fixture.js';
import { until } from './until.fixture.js';
import { kindOf, KINDS, malformed, type WireMessage } from './mutations.fixture.js';

const MESSAGES = 500;
const SEED = 6;
/** For one message of each kind to be seen. */
const SAMPLED_MS = 5000;
/** Messages of each kind that are kept to be damaged. */
const SAMPLES = 20;
/** Between two requests' worth of damage. */
const PAUSE_EVERY = 10;
/** Log lines that one process may write of it: the first of each kind of fault. */
const LOG_LINES = 12;

describe('malformed messages', () => {
  let chaos: Chaos;
  let nats: NatsConnection;
  const samples = new Map<string, WireMessage[]>();

  beforeAll(async () => {
    chaos = await Chaos.start({ counts: { tokenizer: 1, prefill: 1, decode: 1, gateway: 1 } });
    nats = await connect({ servers: chaos.fixture.nats.url });
    const take = ({ subject, data }: WireMessage): void => {
      const kept = samples.get(kindOf(subject)) ?? [];
      if (KINDS.includes(kindOf(subject)) && kept.length < SAMPLES)
        samples.set(kindOf(subject), [...kept, { subject, data }]);
    };
    nats.subscribe('sw.>', {
      callback: (_, message) => take({ subject: message.subject, data: message.data.slice() }),
    });
    await nats.flush();
  });

  afterAll(async () => {
    await nats?.close();
    await chaos?.stop();
  });

  it(`are dropped and counted, ${MESSAGES} of them over all subjects, and no running request is hurt`, async () => {
    await sampleAll();
    const missing = (): string[] => KINDS.filter((kind) => !samples.has(kind));
    await until(`one of each kind, ${missing().join()}`, SAMPLED_MS, async () => missing().length === 0);
    const dropped = await droppedMessages();
    const random = mulberry32(SEED);
    const sent = Array.from({ length: MESSAGES }, (_, i) => {
      const kept = samples.get(KINDS[i % KINDS.length]!)!;
      return malformed(kept[Math.floor(random() * kept.length)]!, random);
    });
    const { load } = await chaos.reached('bootstrap', async () =>
      (await Promise.all([chaos.load(), chaos.load()])).flat(),
    );
    for (const [i, { subject, data }] of sent.entries()) {
      nats.publish(subject, data);
      // Spread over the requests' life.
      if (i % PAUSE_EVERY === 0) await nats.flush();
    }
    await nats.flush();
    chaos.expectWhole(await load);
    chaos.expectWhole(await chaos.load());
    await chaos.expectQuiet();
    const counted = await droppedMessages();
    for (const [kind, count] of Object.entries(dropped)) counted[kind]! -= count;
    expect(counted).toEqual(countBy(sent.flatMap(({ subject }) => receiversOf(subject))));
    for (const { logFile } of chaos.fixture.running)
      expect(readFileSync(logFile, 'utf8').split('"msg":"dropped"').length - 1).toBeLessThanOrEqual(LOG_LINES);
  });

  /** Requests that end in every way, so that each kind of message is seen. */
  async function sampleAll(): Promise<void> {
    chaos.expectWhole([await chaos.ask(FIRST)]);
    const client = new AbortController();
    const { load } = await chaos.reached('bootstrap', () => Promise.all([chaos.ask(FIRST, { signal: client.signal })]));
    client.abort();
    await load;
    // A tokenizer that hears of a request twice, and a prefill whose decode is unknown, have failures to tell.
    const failed = nats.subscribe('sw.gateway.*.failed', { max: 1 });
    await until('a prefill leg', SAMPLED_MS, async () => samples.has('prefill.leg'));
    const [leg] = samples.get('prefill.leg')!;
    const message = JSON.parse(Buffer.from(leg!.data).toString()) as { data: object };
    const stray = { ...message.data, rid: 'f'.repeat(32), decode: 'ffffffff', deadlineMs: Date.now() + 50 };
    nats.publish(leg!.subject, JSON.stringify({ ...message, data: stray }));
    for await (const _ of failed) break;
    await nats.flush();
  }

  /** By receiver and message, as `receiversOf` has it: whatever the reason. */
  async function droppedMessages(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const process of chaos.fixture.running) {
      for (const message of new Set(KINDS.map((kind) => kind.split('.')[1]!))) {
        const count = await chaos.fixture.metric(process, 'sliceway_dropped_total', `message="${message}"`);
        if (count > 0) counts[`${process.role}.${message}`] = count;
      }
    }
    return counts;
  }
});

/** A heartbeat reaches every process. */
function receiversOf(subject: string): string[] {
  const kind = kindOf(subject);
  return kind === 'cluster.heartbeat' ? ROLES.map((role) => `${role}.heartbeat`) : [kind];
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
