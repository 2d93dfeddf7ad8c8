import { argmax } from './argmax.js';

describe('argmax', () => {
  it('finds the first of the largest at every place and length', () => {
    for (let length = 1; length <= 13; length++)
      for (let first = 0; first < length; first++)
        for (let second = first; second < length; second++) {
          const values = new Float32Array(length).fill(-2);
          values[first] = values[second] = -1;
          expect(argmax(values)).toBe(first);
          values[first] = 3;
          expect(argmax(values)).toBe(first);
          values[second] = 4;
          expect(argmax(values)).toBe(second);
        }
  });

  it.each([
    [[-Infinity, -2, -2], 1],
    [[-Infinity, -Infinity, -Infinity, -Infinity, -Infinity], 0],
    [[-1, -Infinity, Infinity, 5, 3, Infinity], 2],
    [[NaN, -7, NaN, -7, NaN, NaN], 1],
    [[NaN, NaN, NaN, NaN, NaN, 2], 5],
    [[NaN], 0],
    [[0, -0, 0], 0],
  ])('%j: %i', (values, id) => {
    expect(argmax(Float32Array.from(values))).toBe(id);
  });
});
