import { ROLES, type ClusterProcess } from '@sliceway/local';
import type { Chaos } from './chaos.fixture.js';
import { STORIES, type Outcome } from './stories.fixture.js';
import { until } from './until.fixture.js';

const CLIENTS = 4;
const TAKEN_MS = 10_000;
const DRAIN_MS = 10_000;

/** Services that come and go under load. */
export function churnCases(chaos: () => Chaos): void {
  it.each(ROLES)('SIGTERM to a %s loses no request, and one that joins gets work', async (role) => {
    const outcomes: Outcome[] = [];
    const before = new Set(chaos().watch.gateways.keys());
    const stop = new AbortController();
    const gateways = chaos().fixture.cluster.running('gateway');
    const { rid, load } = await chaos().reached('decode', async () => {
      await Promise.all(Array.from({ length: CLIENTS }, (_, i) => client(i, gateways, outcomes, stop.signal)));
      return outcomes;
    });
    const victim = chaos().partyOf(rid, role)!;
    chaos().strike(victim, 'SIGTERM');
    const startMs = performance.now();
    expect(await victim.exited).toMatchObject({ code: 0 });
    expect(performance.now() - startMs).toBeLessThan(DRAIN_MS);
    const newcomer = await chaos().fixture.cluster.startProcess(role);
    if (role === 'gateway') gateways.push(newcomer);
    await until('the newcomer has work', TAKEN_MS, async () => hasWork(newcomer));
    stop.abort();
    await load;
    const accepted = outcomes.filter((outcome) => !isTurnedAway(outcome, victim));
    chaos().expectWhole(accepted);
    await chaos().watch.settled();
    // What a gateway has accepted, its client has.
    const answered = new Set(accepted.map(({ answer }) => answer!.rid));
    expect([...chaos().watch.gateways.keys()].filter((each) => !answered.has(each) && !before.has(each))).toEqual([]);
    await chaos().known();
    await chaos().expectQuiet();
  });

  /** One request after the other, each time of another gateway: that is what a load balancer makes of it. */
  async function client(
    index: number,
    gateways: readonly ClusterProcess[],
    outcomes: Outcome[],
    stop: AbortSignal,
  ): Promise<void> {
    for (let i = index; !stop.aborted; i++) {
      outcomes.push(await chaos().ask(STORIES[i % STORIES.length]!, { gateway: gateways[i % gateways.length]! }));
    }
  }

  function hasWork({ role, instance }: ClusterProcess): boolean {
    const { gateways, parties } = chaos().watch;
    if (role === 'gateway') return [...gateways.values()].includes(instance);
    return [...parties.values()].flat().some((party) => party.instance === instance);
  }
}

/** A gateway that drains sends new clients elsewhere. */
function isTurnedAway({ gateway, answer, error }: Outcome, victim: ClusterProcess): boolean {
  if (gateway !== victim) return false;
  return answer === null ? error?.message === 'fetch failed' : answer.status === 503 && answer.errorCode === 'draining';
}
