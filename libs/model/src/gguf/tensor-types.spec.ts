import { tensorByteLength, tensorTypeOfId, tensorTypeOfName } from './tensor-types.js';

describe('tensor types', () => {
  test.each([
    ['F32', [3, 2], 24],
    ['F16', [3], 6],
    ['Q4_1', [64, 3], 120],
    ['Q8_0', [32], 34],
    ['Q4_K', [512, 2], 576],
    ['MXFP4', [32, 1, 2, 2], 68],
  ])('a %s tensor of %j takes %i bytes', (name, shape, byteLength) => {
    expect(tensorByteLength(tensorTypeOfName(name)!, shape)).toBe(byteLength);
  });

  test('rows are whole blocks', () => {
    expect(tensorByteLength(tensorTypeOfName('Q8_0')!, [16, 2])).toBeNaN();
  });

  test('ids and names agree; removed ids are unknown', () => {
    expect(tensorTypeOfId(3)).toBe(tensorTypeOfName('Q4_1'));
    expect([4, 5, 31, 32, 33, 36, 37, 38, 43].map(tensorTypeOfId)).toEqual(Array(9).fill(undefined));
    expect(tensorTypeOfName('q4_1')).toBeUndefined();
  });
});
