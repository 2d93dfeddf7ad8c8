import type { Tracing } from '@sliceway/tracing';

/** Whatever its collector does, a process that cannot go on ends. */
const FLUSH_MS = 1000;

/** Ends the process with 1, after the spans that it has recorded: they are what tells why. */
export async function exitWithSpans(tracing: Pick<Tracing, 'shutdown'> | null): Promise<never> {
  await tracing?.shutdown(FLUSH_MS);
  return process.exit(1);
}
