import { newCounts, SchedulerProgram, type Counts } from './scheduler-program.fixture.js';

const PROGRAMS = 100;
/** Operations before a program is left to end. */
const OPERATIONS = 300;

describe('Scheduler over random programs', () => {
  it.each<[name: string, kinds: ('generate' | 'prefill' | 'decode')[], often: (keyof Counts)[]]>([
    ['generate', ['generate'], ['ended', 'retracted', 'copied', 'aborted', 'refused']],
    ['prefill', ['prefill'], ['ended', 'aborted', 'refused']],
    ['decode', ['decode'], ['ended', 'retracted', 'copied', 'started', 'aborted', 'refused']],
    ['all', ['generate', 'prefill', 'decode'], ['ended', 'retracted', 'copied', 'started', 'aborted', 'refused']],
  ])(
    'loses, doubles and mixes up nothing of kind %s',
    (_, kinds, often) => {
      const counts = newCounts();
      for (let seed = 1; seed <= PROGRAMS; seed++) {
        try {
          new SchedulerProgram(seed, kinds, counts).run(OPERATIONS);
        } catch (cause) {
          throw new Error(`program ${seed}: ${(cause as Error).message}`, { cause });
        }
      }
      // What never happens is not tested.
      for (const what of often) expect([what, counts[what] > PROGRAMS]).toEqual([what, true]);
    },
    60_000,
  );
});
