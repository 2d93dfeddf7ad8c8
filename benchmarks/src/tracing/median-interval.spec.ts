import { medianInterval } from './median-interval.js';

const oneTo = (count: number): number[] => Array.from({ length: count }, (_, i) => ((i * 7) % count) + 1);

it.each([
  { count: 5, low: 1, high: 5, coverage: 0.9375 },
  { count: 6, low: 1, high: 6, coverage: 0.96875 },
  { count: 10, low: 2, high: 9, coverage: 0.978515625 },
  { count: 11, low: 2, high: 10, coverage: 0.98828125 },
  { count: 20, low: 6, high: 15, coverage: 0.95861053466796875 },
])('of $count values goes from the $low. to the $high.', ({ count, ...interval }) => {
  expect(medianInterval(oneTo(count))).toEqual({ median: (count + 1) / 2, ...interval });
});

it('one value is all there is', () => {
  expect(medianInterval([3])).toEqual({ median: 3, low: 3, high: 3, coverage: 0 });
});
