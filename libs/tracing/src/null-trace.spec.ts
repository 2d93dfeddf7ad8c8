import { eventBatch, sliceBatch } from './batch.js';
import { startSend } from './message-span.js';
import { NULL_TRACE } from './null-trace.js';
import type { RequestTrace } from './request-trace.js';

const attributes = { tokens: 1 };
const carrier = new Map<string, string>();
const neverAsked = (): never => {
  throw new Error('nothing is recorded');
};
const traces = [NULL_TRACE, NULL_TRACE];

function callAll(trace: RequestTrace): void {
  trace.sliceStart('prefill_forward');
  trace.event('schedule', attributes);
  trace.setSliceAttributes(attributes);
  trace.setThreadAttributes(attributes);
  trace.setRequestAttributes(attributes);
  trace.sliceEnd('prefill_forward');
  trace.slice('decode_loop', 1, 2);
  trace.inject(carrier);
  startSend(trace, 'sw.decode.0000000a.leg', neverAsked);
  trace.abort('deadline');
  trace.finish();
  sliceBatch('decode_loop', traces, 1, 2);
  eventBatch('schedule', traces, attributes);
}

it('does nothing', () => {
  callAll(NULL_TRACE);
  expect(NULL_TRACE.level).toBe(0);
  expect(carrier.size).toBe(0);
  expect(Object.isFrozen(NULL_TRACE)).toBe(true);
});

it('allocates nothing', () => {
  const calls = 20_000;
  const grownBytes = (): number => {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < calls; i++) callAll(NULL_TRACE);
    return process.memoryUsage().heapUsed - before;
  };
  for (let i = 0; i < 5; i++) grownBytes();
  // The smallest object is 16 bytes, so one in a round of calls would show as 320 kB; a collection in between as less.
  const samples = Array.from({ length: 9 }, grownBytes).sort((a, b) => a - b);
  expect(Math.abs(samples[4]!)).toBeLessThan(calls * 4);
});
