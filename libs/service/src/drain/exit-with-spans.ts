import type { Tracing } from '@sliceway/tracing';

/** Whatever its collector does, a process that cannot go on ends. */
const FLUSH_MS = 2000;

/**
 * Ends the process with 1, after the spans that it has recorded: they are what tells why.
 *
 * @param reason that requests under way end with
 */
export async function exitWithSpans(tracing: Pick<Tracing, 'shutdown'> | null, reason: string): Promise<never> {
  await tracing?.shutdown(FLUSH_MS, reason);
  return process.exit(1);
}
