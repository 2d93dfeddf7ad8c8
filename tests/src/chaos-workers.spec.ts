import type { WorkerRole } from '@sliceway/protocol';
import { Chaos } from './chaos.fixture.js';
import type { Outcome } from './stories.fixture.js';
import type { Stage } from './wire-watch.fixture.js';

/**
 * What becomes of a streamed request whose worker goes: it starts again, it is cut, or it does not need that one any more.
 * `either`: without decode a prefill still sends the first token, perhaps before the loss is known.
 */
type Fate = 'starts again' | 'is cut' | 'either' | 'goes on';

const FATES: readonly (readonly [WorkerRole, Stage, Fate])[] = [
  ['tokenizer', 'tokenizing', 'starts again'],
  ['tokenizer', 'bootstrap', 'starts again'],
  ['tokenizer', 'transfer', 'starts again'],
  ['tokenizer', 'decode', 'is cut'],
  ['prefill', 'tokenizing', 'starts again'],
  ['prefill', 'bootstrap', 'starts again'],
  ['prefill', 'transfer', 'starts again'],
  ['prefill', 'decode', 'goes on'],
  ['decode', 'tokenizing', 'either'],
  ['decode', 'bootstrap', 'either'],
  ['decode', 'transfer', 'either'],
  ['decode', 'decode', 'is cut'],
];
const SIGNALS = ['SIGKILL', 'SIGSTOP'] as const;

describe('a worker that goes without a word', () => {
  let chaos: Chaos;

  beforeAll(async () => {
    chaos = await Chaos.start({ counts: { tokenizer: 2, prefill: 2, decode: 2, gateway: 2 } });
  });

  afterEach(() => chaos.restore());
  afterAll(() => chaos?.stop());

  it.each(SIGNALS.flatMap((signal) => FATES.map(([role, stage, fate]) => [signal, role, stage, fate] as const)))(
    '%s of a %s at %s: %s',
    async (signal, role, stage, fate) => {
      const { victim, outcomes } = await chaos.hit(stage, role, signal);
      const struck = outcomes.filter((outcome) => isServedBy(outcome, victim.instance));
      expect(struck).not.toEqual([]);
      for (const outcome of outcomes) expectFair(outcome, struck.includes(outcome));
      // While a request is tokenized nobody knows yet whom it will be given to; some of the others may be further.
      if (stage === 'tokenizing') {
        const early = struck.filter((outcome) => !isFurther(outcome, fate));
        expect(early).not.toEqual([]);
        for (const outcome of early) expectFate(outcome, fate);
      } else expectFate(outcomes[0]!, fate);

      // A stopped one counts as lost before it comes back.
      await chaos.known();
      await chaos.restore();
      chaos.expectWhole(await chaos.load());
      await chaos.expectQuiet();
    },
  );

  function isServedBy({ answer }: Outcome, instance: string): boolean {
    return chaos.watch.parties.get(answer?.rid ?? '')?.some((party) => party.instance === instance) === true;
  }

  /** Whether the victim was not needed any more, or for other things than at the beginning. */
  function isFurther(outcome: Outcome, fate: Fate): boolean {
    const { rid } = outcome.answer!;
    if (fate === 'starts again') return chaos.watch.hasBegun(rid);
    return chaos.verdict(outcome) === 'whole' && chaos.watch.attemptsOf(rid) === 1;
  }

  /** Whole, unless its client had been sent a part of it and the victim took part. */
  function expectFair(outcome: Outcome, isStruck: boolean): void {
    const verdict = chaos.verdict(outcome);
    const mayBeCut = isStruck && outcome.fields.stream && chaos.watch.hasBegun(outcome.answer!.rid);
    if (!mayBeCut || verdict !== 'whole') expect(verdict).toBe(mayBeCut ? 'cut: worker_lost' : 'whole');
  }

  function expectFate(outcome: Outcome, fate: Fate): void {
    const { rid } = outcome.answer!;
    const verdict = chaos.verdict(outcome);
    // All that was left of it was on its way already.
    if (fate === 'is cut' && verdict === 'whole') return expect(chaos.watch.attemptsOf(rid)).toBe(1);
    const isCut = fate === 'is cut' || (fate === 'either' && verdict !== 'whole');
    expect(verdict).toBe(isCut ? 'cut: worker_lost' : 'whole');
    expect(chaos.watch.attemptsOf(rid)).toBe(isCut || fate === 'goes on' ? 1 : 2);
  }
});
