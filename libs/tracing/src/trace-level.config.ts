import { TraceLevel, TraceModule } from './trace-level.js';

const LEVELS: readonly number[] = Object.values(TraceLevel);
const MODULES: readonly string[] = Object.values(TraceModule);

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The level that SLICEWAY_TRACE_LEVEL says; `normal` if it is not set, or no level.
 *
 * @param warn takes one sentence where the value was not taken
 */
export function traceLevel(warn: (message: string) => void, environment: Environment = process.env): TraceLevel {
  const value = environment['SLICEWAY_TRACE_LEVEL']?.trim();
  if (!value) return TraceLevel.normal;
  const level = LEVELS.find((each) => String(each) === value);
  if (level !== undefined) return level as TraceLevel;
  warn(`SLICEWAY_TRACE_LEVEL is ${JSON.stringify(value)}: expected 0 to 3; ${TraceLevel.normal} is used`);
  return TraceLevel.normal;
}

/**
 * The modules that SLICEWAY_TRACE_MODULES lists; all if it is not set, or if it names one that there is not.
 *
 * @param warn takes one sentence where the value was not taken
 */
export function traceModules(
  warn: (message: string) => void,
  environment: Environment = process.env,
): readonly TraceModule[] {
  const value = environment['SLICEWAY_TRACE_MODULES']?.trim();
  if (!value) return Object.values(TraceModule);
  const names = value.split(',').map((name) => name.trim());
  if (names.every((name): name is TraceModule => MODULES.includes(name))) return names;
  warn(`SLICEWAY_TRACE_MODULES is ${JSON.stringify(value)}: expected some of ${MODULES.join(', ')}; all are traced`);
  return Object.values(TraceModule);
}
