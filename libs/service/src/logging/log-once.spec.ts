import type { Logger } from './logger.js';
import { LogOnce } from './log-once.js';

describe('LogOnce', () => {
  it('counts every fault, and logs the first of a kind and each thousandth after it', () => {
    const lines: object[] = [];
    const faults = new LogOnce({ warn: (fields: object) => lines.push(fields) } as unknown as Logger);
    const error = new Error('bad');
    for (let i = 0; i < 2000; i++) faults.warn('frame', error, { subject: 's' });
    faults.warn('json', error);
    expect([...faults.counts]).toEqual([
      ['frame', 2000],
      ['json', 1],
    ]);
    expect(lines).toEqual([
      { kind: 'frame', count: 1, error, subject: 's' },
      { kind: 'frame', count: 1001, error, subject: 's' },
      { kind: 'json', count: 1, error },
    ]);
    faults.warn('frame', error);
    expect(lines.at(-1)).toEqual({ kind: 'frame', count: 2001, error });
  });
});
