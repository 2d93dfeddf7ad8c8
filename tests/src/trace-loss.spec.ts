import type { ClusterProcess } from '@sliceway/local';
import { SliceName, SpanStatus, type TraceSpan } from '@sliceway/tracing';
import type { Chaos } from './chaos.fixture.js';
import { FIRST, type Outcome } from './stories.fixture.js';
import { TracedChaos } from './traced-chaos.fixture.js';
import { retriedFrom, roleOf } from './traced-cluster.fixture.js';
import { STAGES, type Stage } from './wire-watch.fixture.js';

const named = (spans: readonly TraceSpan[], name: RegExp): TraceSpan[] => spans.filter((span) => name.test(span.name));

const GATEWAY_LOST = 'worker_lost: the gateway was gone';

/** Who knows of a request when it is at a stage. */
const BEGUN: Readonly<Record<Stage, readonly string[]>> = {
  tokenizing: ['gateway', 'tokenizer'],
  bootstrap: ['gateway', 'tokenizer', 'decode'],
  transfer: ['gateway', 'tokenizer', 'prefill', 'decode'],
  decode: ['gateway', 'tokenizer', 'prefill', 'decode'],
};

/** Prefill is done when decode has the whole KV. */
function hasHandedOver(spans: readonly TraceSpan[]): boolean {
  const sent = spans.find(({ name }) => name === SliceName.prefillTransferKvCache);
  return sent !== undefined && sent.status.code !== SpanStatus.error;
}

describe('traces of what goes wrong', () => {
  let traced: TracedChaos;
  let chaos: Chaos;
  let retries = 0;

  beforeAll(async () => {
    const counts = { tokenizer: 2, prefill: 2, decode: 2, gateway: 2 };
    traced = await TracedChaos.start({ counts });
    ({ chaos } = traced);
  });
  afterEach(() => chaos.restore());
  afterAll(() => traced?.stop());

  /** Of all that had an answer, the one that was struck among them: each is whole, but for what a lost process had. */
  async function validTraces(rid: string, outcomes: readonly Outcome[], lost?: ClusterProcess): Promise<TraceSpan[][]> {
    const rids = new Set([rid, ...outcomes.map(({ answer }) => answer!.rid)]);
    return traced.validTraces([...rids], { lost });
  }

  it.each(STAGES)('a client that leaves at %s: all is closed, with the reason', async (stage) => {
    const client = new AbortController();
    const reached = chaos.watch.next(stage, FIRST.content);
    const left = chaos.ask(FIRST, { signal: client.signal });
    const rid = await reached;
    client.abort();
    await left;
    const spans = await traced.validTrace(rid);
    if (chaos.watch.hasFinished(rid)) return;
    // Who had done all of its own work may have ended well before.
    const isDone: Record<string, boolean> = { prefill: hasHandedOver(spans), decode: chaos.watch.hasDecoded(rid) };
    const ended = named(spans, /^Bootstrap| Req /).filter((span) => !isDone[roleOf(span)]);
    const failed = { code: SpanStatus.error, message: 'client_disconnected' };
    expect(ended.map(({ name, status }) => [name, status])).toEqual(ended.map(({ name }) => [name, failed]));
    const roles = named(spans, / Req /).map(roleOf);
    expect(roles).toEqual(expect.arrayContaining(BEGUN[stage]));
  });

  it.each(
    (['tokenizer', 'prefill', 'decode'] as const).flatMap((role) => STAGES.map((stage) => [role, stage] as const)),
  )(
    'a %s that is killed at %s: what is left is whole, and another attempt links to the lost one',
    async (role, stage) => {
      const { rid, victim, outcomes } = await chaos.hit(stage, role, 'SIGKILL');
      const [spans] = (await validTraces(rid, outcomes, victim)) as [TraceSpan[]];
      const rooms = named(spans, /^Bootstrap/);
      expect(rooms).toHaveLength(chaos.watch.attemptsOf(rid));
      if (rooms.length === 2) {
        retries++;
        const [lost] = rooms.filter(({ status }) => status.message !== '');
        expect(lost!.status).toEqual({ code: SpanStatus.error, message: 'worker_lost' });
        expect(retriedFrom(spans)).toEqual([lost!.spanId]);
      }
      await chaos.known();
    },
  );

  it('some of them were tried again', () => expect(retries).toBeGreaterThan(0));

  it.each(STAGES)(
    'a gateway that is killed at %s: what others did for it is closed, with the reason',
    async (stage) => {
      const { rid, victim, outcomes } = await chaos.hit(stage, 'gateway', 'SIGKILL');
      await chaos.released();
      const [first, ...others] = outcomes.filter(({ gateway }) => gateway !== victim);
      await validTraces(first!.answer!.rid, others);
      const spans = await traced.validTrace(rid, { lost: victim, role: 'tokenizer' });
      const messages = named(spans, / Req /).map(({ status }) => status.message);
      // Once prefill and decode have it, all may be over before the gateway is missed.
      if (messages.length === 1) expect(messages).toEqual([GATEWAY_LOST]);
      expect(messages.filter((message) => message !== '' && message !== GATEWAY_LOST)).toEqual([]);
    },
  );

  it.each(STAGES)('a broker that comes back, gone at %s: all is whole', async (stage) => {
    const { rid, load } = await chaos.reached(stage);
    await chaos.restartNats();
    await validTraces(rid, await load);
  });

  it.each([
    ['tokenizer', 'tokenizing'],
    ['prefill', 'transfer'],
    ['decode', 'decode'],
  ] as const)(
    'a %s that is stopped at %s, and wakes up when it counts as lost, says how it ended',
    async (role, stage) => {
      const { rid, victim, outcomes } = await chaos.hit(stage, role, 'SIGSTOP', () => chaos.known());
      const [spans] = await validTraces(rid, outcomes);
      const own = named(spans!, / Req /).filter(({ resource }) => resource['service.instance.id'] === victim.instance);
      expect(own).toHaveLength(1);
      expect(own[0]!.status.code).toBe(SpanStatus.error);
    },
  );

  it.each(
    (['tokenizer', 'prefill', 'decode', 'gateway'] as const).flatMap((role) =>
      (['transfer', 'decode'] as const).map((stage) => [role, stage] as const),
    ),
  )('a %s that is told to end at %s leaves no span behind', async (role, stage) => {
    const { rid, victim, outcomes } = await chaos.hit(stage, role, 'SIGTERM');
    await victim.exited;
    const [spans] = await validTraces(rid, outcomes);
    const requests = named(spans!, / Req /);
    expect(requests.map(({ resource }) => resource['service.instance.id'])).toContain(victim.instance);
    expect(requests.map(({ status }) => status.code)).not.toContain(SpanStatus.error);
  });

  it('a gateway that is stopped, and wakes up when it counts as lost: all is whole', async () => {
    const { rid, outcomes } = await chaos.hit('decode', 'gateway', 'SIGSTOP', () => chaos.known());
    await validTraces(rid, outcomes);
  });
});
