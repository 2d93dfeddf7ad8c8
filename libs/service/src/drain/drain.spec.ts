import { WorkerState } from '@sliceway/protocol';
import { ServiceStatus } from '../service-status.js';
import { drain } from './drain.js';

describe('drain', () => {
  it('takes no new work at once, and waits for what is under way', async () => {
    const status = new ServiceStatus('decode');
    let active = 2;
    status.activeRequests = () => active;
    const drained = drain(status, 10_000);
    expect(status.state).toBe(WorkerState.draining);
    setTimeout(() => (active = 1), 30);
    setTimeout(() => (active = 0), 60);
    const startMs = performance.now();
    expect(await drained).toBe(0);
    expect(performance.now() - startMs).toBeGreaterThan(55);
  });

  it('stays for what was sent before everybody knew', async () => {
    const status = new ServiceStatus('decode');
    let active = 0;
    status.activeRequests = () => active;
    const drained = drain(status, 10_000);
    setTimeout(() => (active = 1), 150);
    setTimeout(() => (active = 0), 400);
    const startMs = performance.now();
    expect(await drained).toBe(0);
    expect(performance.now() - startMs).toBeGreaterThan(390);
  });

  it('gives up at its timeout, and says how many are left', async () => {
    const status = new ServiceStatus('decode');
    status.activeRequests = () => 3;
    const startMs = performance.now();
    expect(await drain(status, 50)).toBe(3);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(50);
  });

  it.each([0, 1])('does not wait at all with a timeout of 0 (%s under way)', async (active) => {
    const status = new ServiceStatus('decode');
    status.activeRequests = () => active;
    const startMs = performance.now();
    expect(await drain(status, 0)).toBe(active);
    expect(performance.now() - startMs).toBeLessThan(200);
  });
});
