import { Admission, type AdmissionLimits } from './admission.js';

const admissionOf = (limits: Partial<Record<keyof AdmissionLimits, number>>): Admission =>
  new Admission({
    maxConcurrent: limits.maxConcurrent ?? 100,
    maxQueued: () => limits.maxQueued ?? 100,
    maxQueuedTokens: () => limits.maxQueuedTokens ?? 1e6,
  });

const ONE = [{ promptTokens: 6, completionTokens: 4 }];
const FULL = expect.objectContaining({ status: 429, code: 'queue_full', retryAfterSeconds: 1 });

describe('Admission', () => {
  it('takes the last slot and refuses the next', () => {
    const admission = admissionOf({ maxConcurrent: 2 });
    const [ticket] = admission.enter(ONE);
    admission.enter(ONE);
    expect(() => admission.enter(ONE)).toThrow(FULL);
    ticket!.leave();
    ticket!.leave();
    expect(() => admission.enter(ONE)).not.toThrow();
    expect(admission.running).toBe(2);
  });

  it('queues the last request and refuses the next, until one has its first token', () => {
    const admission = admissionOf({ maxQueued: 2 });
    const [ticket] = admission.enter(ONE);
    admission.enter(ONE);
    expect(() => admission.enter(ONE)).toThrow(FULL);
    ticket!.started();
    ticket!.started();
    expect([admission.running, admission.queued]).toEqual([2, 1]);
    admission.enter(ONE);
    expect(() => admission.enter(ONE)).toThrow(FULL);
  });

  it('queues the last token and refuses the next', () => {
    const admission = admissionOf({ maxQueuedTokens: 20 });
    admission.enter(ONE);
    expect(() => admission.enter([{ promptTokens: 7, completionTokens: 4 }])).toThrow(FULL);
    admission.enter(ONE);
    expect(admission.queuedTokens).toBe(20);
  });

  it("counts a prompt's tokens once they are known, and none after the first token", () => {
    const admission = admissionOf({});
    const [first] = admission.enter(ONE);
    const [second] = admission.enter(ONE);
    first!.tokenized(60);
    expect(admission.queuedTokens).toBe(74);
    first!.started();
    first!.tokenized(600);
    expect(admission.queuedTokens).toBe(10);
    second!.leave();
    first!.leave();
    expect([admission.running, admission.queued, admission.queuedTokens]).toEqual([0, 0, 0]);
  });

  it('takes all prompts of a request or none', () => {
    const admission = admissionOf({ maxQueued: 3 });
    admission.enter(ONE);
    expect(() => admission.enter([...ONE, ...ONE, ...ONE])).toThrow(FULL);
    expect(admission.queued).toBe(1);
    admission.enter([...ONE, ...ONE]);
    expect(admission.queued).toBe(3);
  });

  it('takes a request that is larger than the queue when nobody waits', () => {
    const admission = admissionOf({ maxQueuedTokens: 5 });
    admission.enter(ONE);
    expect(() => admission.enter(ONE)).toThrow(FULL);
  });

  it('lets nobody in once closed, and those inside go', () => {
    const admission = admissionOf({});
    const [ticket] = admission.enter(ONE);
    admission.close();
    expect(() => admission.enter(ONE)).toThrow(expect.objectContaining({ status: 503, closesConnection: true }));
    ticket!.leave();
    expect(admission.running).toBe(0);
  });
});
