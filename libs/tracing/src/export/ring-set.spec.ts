import { SpanWriter } from '../recording/span-writer.js';
import { RingSet } from './ring-set.js';

/** Another object of the same memory, as a message makes one. */
const again = (buffer: SharedArrayBuffer): SharedArrayBuffer => structuredClone(buffer);

it('takes a ring once, however often it comes', () => {
  const rings = new RingSet(5);
  const [a, b] = [new SpanWriter(), new SpanWriter()];
  expect(rings.add(a.buffer, { answers: true })?.id).toBe(5);
  expect(again(a.buffer)).not.toBe(a.buffer);
  expect(rings.add(again(a.buffer), { answers: true })).toBeNull();
  expect(rings.add(b.buffer, { answers: true })?.id).toBe(6);
  expect(rings.add(again(b.buffer), { answers: true })).toBeNull();
  expect(rings.rings).toHaveLength(2);
});

it('gives up the empty ring of a thread that has not answered for ten rounds', () => {
  const rings = new RingSet(0);
  const [ended, full, alive, given] = [new SpanWriter(), new SpanWriter(), new SpanWriter(), new SpanWriter()];
  for (const { buffer } of [ended, full, alive]) rings.add(buffer, { answers: true });
  rings.add(given.buffer, { answers: false });
  full.nameId('unread');
  for (let i = 0; i < 10; i++) expect(rings.age()).toEqual([]);
  rings.add(again(alive.buffer), { answers: true });
  expect(rings.age().map(({ id }) => id)).toEqual([0]);
  expect(rings.rings.map(({ id }) => id)).toEqual([1, 2, 3]);
});

it('sums what rings have dropped, also those that are gone', () => {
  const rings = new RingSet(0);
  const writer = new SpanWriter(1 << 14);
  for (let i = 0; i < 3000; i++) if (writer.begin(-1, 0, 0, [0, 0, 0, 0], 0, -1, 1)) writer.commit();
  expect(writer.dropped).toBeGreaterThan(0);
  const ring = rings.add(writer.buffer, { answers: true })!;
  expect(rings.dropped).toBe(writer.dropped);
  ring.reader.drainRecords(() => true);
  for (let i = 0; i < 11; i++) rings.age();
  expect(rings.rings).toEqual([]);
  expect(rings.dropped).toBe(writer.dropped);
  expect(new RingSet(0, rings.dropped).dropped).toBe(writer.dropped);
});
