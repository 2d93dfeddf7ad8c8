import { PagePool } from './page-pool.js';

describe('PagePool', () => {
  it('gives every page once, then none', () => {
    const pool = new PagePool(3);
    expect(new Set([pool.take(), pool.take(), pool.take()])).toEqual(new Set([0, 1, 2]));
    expect(pool.take()).toBe(-1);
    expect([pool.used, pool.free]).toEqual([3, 0]);
  });

  it('frees a page with its last reference', () => {
    const pool = new PagePool(1);
    const page = pool.take();
    pool.share(page);
    expect(pool.references(page)).toBe(2);
    pool.release(page);
    expect([pool.references(page), pool.free]).toEqual([1, 0]);
    pool.release(page);
    expect([pool.references(page), pool.free]).toEqual([0, 1]);
  });

  it('refuses to release or share what nobody holds', () => {
    const pool = new PagePool(2);
    expect(() => pool.release(0)).toThrow('page 0 is not in use');
    expect(() => pool.share(5)).toThrow('page 5 is not in use');
  });
});
