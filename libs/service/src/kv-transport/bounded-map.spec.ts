import { jest } from '@jest/globals';
import { BoundedMap } from './bounded-map.js';

describe('BoundedMap', () => {
  let map: BoundedMap<string, number>;

  beforeEach(() => {
    jest.useFakeTimers();
    map = new BoundedMap(3, 1000);
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('drops the oldest beyond its size', () => {
    for (const [value, key] of ['a', 'b', 'c', 'd'].entries()) map.set(key, value);
    expect(['a', 'b', 'c', 'd'].map((key) => map.get(key))).toEqual([undefined, 1, 2, 3]);
  });

  it('counts a value that is set again as the newest', () => {
    for (const key of ['a', 'b', 'c', 'a', 'd']) map.set(key, 1);
    expect([map.get('a'), map.get('b')]).toEqual([1, undefined]);
  });

  it('forgets at its time to live, not before', () => {
    map.set('a', 1);
    jest.advanceTimersByTime(999);
    expect(map.get('a')).toBe(1);
    jest.advanceTimersByTime(1);
    expect(map.get('a')).toBeUndefined();
    expect(map.take('a')).toBeUndefined();
  });

  it('gives a taken value once', () => {
    map.set('a', 1);
    expect([map.take('a'), map.take('a')]).toEqual([1, undefined]);
  });
});
