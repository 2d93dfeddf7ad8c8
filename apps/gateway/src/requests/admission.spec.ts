import { Admission } from './admission.js';

describe('Admission', () => {
  it('takes the last slot and refuses the next', () => {
    const admission = new Admission(2);
    admission.enter();
    admission.enter();
    expect(() => admission.enter()).toThrow(expect.objectContaining({ status: 429, retryAfterSeconds: 1 }));
    admission.leave();
    expect(() => admission.enter()).not.toThrow();
    expect(admission.running).toBe(2);
  });

  it('lets nobody in once closed, and those inside go', () => {
    const admission = new Admission(2);
    admission.enter();
    admission.close();
    expect(() => admission.enter()).toThrow(expect.objectContaining({ status: 503, closesConnection: true }));
    admission.leave();
    expect(admission.running).toBe(0);
  });
});
