import { Chaos } from './chaos.fixture.js';
import { until } from './until.fixture.js';
import { STAGES } from './wire-watch.fixture.js';

/** From the broker's return to a ready gateway. */
const RECOVERY_MS = 5000;

describe('a broker that is killed and comes back', () => {
  let chaos: Chaos;

  beforeAll(async () => {
    chaos = await Chaos.start({ counts: { tokenizer: 2, prefill: 2, decode: 2, gateway: 1 } });
  });

  afterAll(() => chaos?.stop());

  it.each(STAGES)('at %s: requests go on or end clearly, new ones work', async (stage) => {
    const { load } = await chaos.reached(stage);
    await chaos.fixture.restartNats();
    const [gateway] = chaos.fixture.cluster.running('gateway');
    await until('the gateway is ready', RECOVERY_MS, async () => (await fetch(`${gateway!.url}/health/ready`)).ok);
    await chaos.known();
    const fresh = await chaos.load();
    chaos.expectWhole(fresh);
    for (const outcome of await load) expect(chaos.verdict(outcome)).toMatch(/^(whole|cut: \w+|50[234]: \w+)$/);
    await chaos.expectQuiet();
  });
});
