import { InterTokenTimes } from './inter-token-times.js';

const sum = (values: readonly number[]): number => values.reduce((all, one) => all + one, 0);

it('lists whole microseconds, the first from the start, whose sum does not drift', () => {
  const times = new InterTokenTimes(1000);
  for (const ts of [2400, 3900, 5400]) times.add(ts);
  expect(times.end()).toEqual([1, 2, 1]);
});

it.each([
  [511, 1, 511],
  [512, 2, 256],
  [513, 2, 257],
  [1024, 4, 256],
  [100_000, 256, 391],
])('of %d tokens each time stands for %d, and none is lost', (tokens, stride, length) => {
  const times = new InterTokenTimes(0);
  for (let i = 1; i <= tokens; i++) times.add(i * 7000);
  const values = times.end();
  expect([times.stride, values.length, sum(values)]).toEqual([stride, length, tokens * 7]);
  expect(values.slice(0, -1).every((us) => us === stride * 7)).toBe(true);
});
