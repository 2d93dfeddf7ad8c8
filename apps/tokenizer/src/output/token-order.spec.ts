import { FinishReason, type TokenEntry } from '@sliceway/protocol';
import { entry } from './entries.fixture.js';
import { TokenOrder } from './token-order.js';

/** Pushes one by one and takes what is ready after each. */
function run(entries: readonly TokenEntry[]): [index: number, tokens: readonly number[]][][] {
  const order = new TokenOrder();
  return entries.map((one) => {
    expect(order.push(one)).toBe(true);
    const ready: [number, readonly number[]][] = [];
    for (let next = order.shift(); next; next = order.shift()) ready.push([next.index, next.tokens]);
    return ready;
  });
}

describe('TokenOrder', () => {
  test('a token that overtakes others waits for them', () => {
    expect(run([entry(3, [13]), entry(1, [11, 12]), entry(0, [10])])).toEqual([
      [],
      [],
      [
        [0, [10]],
        [1, [11, 12]],
        [3, [13]],
      ],
    ]);
  });

  test('what came before is left out', () => {
    expect(
      run([entry(0, [10, 11]), entry(0, [10]), entry(1, [11, 12]), entry(0, [10, 11, 12]), entry(3, [13])]),
    ).toEqual([[[0, [10, 11]]], [], [[2, [12]]], [], [[3, [13]]]]);
  });

  test('an early entry that others cover does not wait for ever', () => {
    const order = new TokenOrder();
    order.push(entry(1, [11]));
    expect(order.shift()).toBeUndefined();
    expect([order.waits, order.next]).toEqual([true, 0]);
    order.push(entry(0, [10, 11, 12]));
    expect(order.shift()).toMatchObject({ index: 0, tokens: [10, 11, 12] });
    expect(order.shift()).toBeUndefined();
    expect([order.waits, order.next]).toEqual([false, 3]);
  });

  test('an end without new tokens is an entry', () => {
    const end = { finish: FinishReason.length };
    expect(run([entry(0, [10]), entry(1, [], end)])).toEqual([[[0, [10]]], [[1, []]]]);
    expect(run([entry(0, [10]), entry(0, [10], end)])).toEqual([[[0, [10]]], [[1, []]]]);
  });

  test('256 entries wait, one more does not', () => {
    const order = new TokenOrder();
    for (let i = 1; i <= 256; i++) expect(order.push(entry(i, [i % 256]))).toBe(true);
    expect(order.push(entry(0, [0]))).toBe(false);
  });
});
