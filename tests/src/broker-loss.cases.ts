import type { Chaos } from './chaos.fixture.js';
import { STAGES } from './wire-watch.fixture.js';

/** A broker that is killed and comes back, at every stage. */
export function brokerLossCases(chaos: () => Chaos): void {
  it.each(STAGES)('at %s: requests go on or end clearly, new ones work', async (stage) => {
    const { load } = await chaos().reached(stage);
    await chaos().restartNats();
    const fresh = await chaos().load();
    chaos().expectWhole(fresh);
    for (const outcome of await load) expect(chaos().verdict(outcome)).toMatch(/^(whole|cut: \w+|50[234]: \w+)$/);
    await chaos().expectQuiet();
  });
}
