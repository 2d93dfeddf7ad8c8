import { FrameCounter } from './frame-counter.js';
import { SequenceTracker } from './sequence-tracker.js';

const MAX = 2 ** 32 - 1;

/** A tracker of one sender whose last accepted number is `seq`. */
function after(seq: number): SequenceTracker {
  const tracker = new SequenceTracker();
  tracker.accept('a', seq);
  return tracker;
}

it('takes a stream from 0 on, and over the wrap', () => {
  const tracker = after(MAX - 1);
  expect([MAX, 0, 1].map((seq) => tracker.accept('a', seq))).toEqual(['ok', 'ok', 'ok']);
  expect([0, 1, 2].map((seq) => new SequenceTracker().accept('a', seq))).toEqual(['ok', { lost: 1 }, { lost: 2 }]);
});

it('counts what is missing, then goes on behind the gap', () => {
  const tracker = after(4);
  expect(tracker.accept('a', 9)).toEqual({ lost: 4 });
  expect(tracker.accept('a', 10)).toBe('ok');
  expect(after(MAX - 1).accept('a', 1)).toEqual({ lost: 2 });
  expect(after(MAX - 1).accept('a', 0)).toEqual({ lost: 1 });
});

it('knows a duplicate, also over the wrap, and is not moved by it', () => {
  const tracker = after(100);
  expect([100, 99, 37].map((seq) => tracker.accept('a', seq))).toEqual(['duplicate', 'duplicate', 'duplicate']);
  expect(tracker.accept('a', 101)).toBe('ok');
  const wrapped = after(MAX);
  wrapped.accept('a', 0);
  expect(wrapped.accept('a', MAX)).toBe('duplicate');
});

it('says what may have passed by while the receiver was away: the first gap of each sender since', () => {
  const tracker = after(4);
  tracker.accept('b', 0);
  tracker.resume();
  expect(tracker.accept('a', 9)).toEqual({ lost: 4, wasAway: true });
  expect(tracker.accept('a', 12)).toEqual({ lost: 2 });
  expect(tracker.accept('b', 0)).toBe('ok');
  expect(tracker.accept('c', 2)).toEqual({ lost: 2, wasAway: true });
  tracker.resume();
  expect(tracker.accept('a', 12)).toBe('duplicate');
  expect(tracker.accept('a', 13)).toBe('ok');
  tracker.forget('b');
  expect(tracker.accept('b', 0)).toBe('ok');
});

it('takes a sender that begins again, and says what was lost of its new stream', () => {
  const tracker = after(1000);
  expect([0, 1].map((seq) => tracker.accept('a', seq))).toEqual(['ok', 'ok']);
  expect(after(1000).accept('a', 936)).toEqual({ lost: 936 });
  expect(after(1000).accept('a', 937)).toBe('duplicate');
  expect(after(1).accept('a', 0)).toBe('ok');
});

it('keeps senders apart, forgets on request, and is bounded', () => {
  const tracker = new SequenceTracker(2);
  for (const sender of ['a', 'b']) expect(tracker.accept(sender, 0)).toBe('ok');
  expect(tracker.accept('a', 1)).toBe('ok');
  tracker.accept('c', 0);
  expect(tracker.size).toBe(2);
  expect(tracker.accept('a', 2)).toBe('ok');
  expect(tracker.accept('b', 1)).toEqual({ lost: 1 });
  tracker.forget('b');
  expect(tracker.accept('b', 0)).toBe('ok');
});

it('a tracker takes what a counter gives, also after the counter forgot a receiver', () => {
  const counter = new FrameCounter(2);
  const tracker = new SequenceTracker();
  for (let i = 0; i < 100; i++) expect(tracker.accept('sender', counter.next('x'))).toBe('ok');
  counter.next('y');
  counter.next('z');
  expect(counter.size).toBe(2);
  expect(tracker.accept('sender', counter.next('x'))).toBe('ok');
  expect(counter.next('x')).toBe(1);
  counter.forget('x');
  expect(counter.next('x')).toBe(0);
});
