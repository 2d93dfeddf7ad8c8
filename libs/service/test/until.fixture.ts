import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `holds`. @throws Error after `timeoutMs`, which names what was waited for */
export async function until(what: string, holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`timed out waiting until ${what}`);
    await sleep(5);
  }
}
