import type { Logger } from './logger.js';
import { LogOnce } from './log-once.js';

describe('LogOnce', () => {
  it('counts every fault, and logs the first of a kind and each thousandth after it', () => {
    const lines: object[] = [];
    const faults = new LogOnce({ warn: (fields: object) => lines.push(fields) } as unknown as Logger);
    const error = new Error('bad');
    for (let i = 0; i < 2000; i++) faults.warn('frame', error, { subject: 'a.s' });
    faults.warn('frame', error, { subject: 'a.t' });
    faults.warn('event', error);
    expect([...faults.counts]).toEqual([
      { kind: 'frame', message: 's', count: 2000 },
      { kind: 'frame', message: 't', count: 1 },
      { kind: 'event', message: '', count: 1 },
    ]);
    expect(lines).toEqual([
      { kind: 'frame', count: 1, error, subject: 'a.s' },
      { kind: 'frame', count: 1001, error, subject: 'a.s' },
      { kind: 'frame', count: 1, error, subject: 'a.t' },
      { kind: 'event', count: 1, error },
    ]);
    faults.warn('frame', error, { subject: 'a.s' });
    expect(lines.at(-1)).toEqual({ kind: 'frame', count: 2001, error, subject: 'a.s' });
  });
});
