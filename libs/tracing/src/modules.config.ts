import { TraceModule } from './trace-level.js';

const KNOWN: readonly string[] = Object.values(TraceModule);

/**
 * The modules that SLICEWAY_TRACE_MODULES lists; all if it is not set, or if it names one that there is not.
 *
 * @param warn takes one sentence where the value was not taken
 */
export function traceModules(
  warn: (message: string) => void,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): readonly TraceModule[] {
  const value = environment['SLICEWAY_TRACE_MODULES']?.trim();
  if (!value) return Object.values(TraceModule);
  const names = value.split(',').map((name) => name.trim());
  if (names.every((name): name is TraceModule => KNOWN.includes(name))) return names;
  warn(`SLICEWAY_TRACE_MODULES is ${JSON.stringify(value)}: expected some of ${KNOWN.join(', ')}; all are traced`);
  return Object.values(TraceModule);
}
