import type { Chaos } from './chaos.fixture.js';
import { STAGES } from './wire-watch.fixture.js';

/** For the requests of a gateway that comes back to hear that nobody works for them any more. */
const ECHO_MS = 5000;

/** A gateway that goes without a word, at every stage. */
export function gatewayLossCases(chaos: () => Chaos): void {
  it.each(STAGES)(
    'SIGKILL at %s: its connections close, the workers free all, the other gateway goes on',
    async (stage) => {
      const { victim, outcomes } = await chaos().hit(stage, 'gateway', 'SIGKILL');
      expect(chaos().verdict(outcomes[0]!)).toMatch(/^no answer: (fetch failed|terminated)/);
      chaos().expectWhole(outcomes.filter(({ gateway }) => gateway !== victim));
      await chaos().restore();
      chaos().expectWhole(await chaos().load());
      await chaos().expectQuiet();
    },
  );

  it.each(STAGES)('SIGSTOP at %s: the workers free all, and its clients hear of it when it is back', async (stage) => {
    let wokenMs = 0;
    const { victim, outcomes } = await chaos().hit(stage, 'gateway', 'SIGSTOP', async () => {
      await chaos().known();
      await chaos().released(ECHO_MS);
      wokenMs = performance.now();
    });
    expect(performance.now() - wokenMs).toBeLessThan(ECHO_MS);
    chaos().expectWhole(outcomes.filter(({ gateway }) => gateway !== victim));
    for (const outcome of outcomes) expect(chaos().verdict(outcome)).toMatch(/^(whole|cut: \w+|50[234]: \w+)$/);
    await chaos().restore();
    chaos().expectWhole(await chaos().load());
    await chaos().expectQuiet();
  });
}
