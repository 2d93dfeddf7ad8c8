import { brokerLossCases } from './broker-loss.cases.js';
import { Chaos } from './chaos.fixture.js';
import { churnCases } from './churn.cases.js';
import { gatewayLossCases } from './gateway-loss.cases.js';

// One cluster for all: to start it takes longer than any of them.
describe('two of each service', () => {
  let chaos: Chaos;

  beforeAll(async () => {
    chaos = await Chaos.start({ counts: { tokenizer: 2, prefill: 2, decode: 2, gateway: 2 } });
  });

  afterEach(() => chaos.restore());
  afterAll(() => chaos?.stop());

  describe('a gateway that goes without a word', () => gatewayLossCases(() => chaos));
  describe('services that come and go under load', () => churnCases(() => chaos));
  describe('a broker that is killed and comes back', () => brokerLossCases(() => chaos));
});
