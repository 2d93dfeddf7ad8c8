import { Random } from '../random.fixture.js';
import { BoundedCache } from './bounded-cache.js';

describe('BoundedCache', () => {
  test('never holds more than twice its capacity', () => {
    const cache = new BoundedCache<number>(10);
    for (let i = 0; i < 1_000; i++) {
      cache.set(`key ${i % 37}`, i);
      expect(cache.size).toBeLessThanOrEqual(20);
    }
  });

  test('forgets what nobody asked for while as much came in', () => {
    const cache = new BoundedCache<number>(3);
    for (const [i, key] of ['a', 'b', 'c', 'd', 'e', 'f', 'g'].entries()) cache.set(key, i);
    expect(cache.get('a')).toBeUndefined();
  });

  test('keeps the last used entries', () => {
    const random = new Random(9);
    const cache = new BoundedCache<string>(5);
    /** Keys by last use, the latest one last. */
    let used: string[] = [];
    for (let step = 0; step < 10_000; step++) {
      const isKnown = used.length > 0 && random.below(2) === 0;
      const key = isKnown ? random.pick(used.slice(-5)) : `${random.below(40)}`;
      if (isKnown) expect(cache.get(key)).toBe(key);
      else cache.set(key, key);
      used = [...used.filter((other) => other !== key), key];
    }
  });
});
