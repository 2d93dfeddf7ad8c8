import { pino, type Logger } from 'pino';
import { identity } from '../identity.config.js';
import { traceFields, type Located } from './trace-fields.js';

export type { Logger } from 'pino';

/**
 * JSON lines on stdout, each with role and instance. Prompts and completions are never logged.
 * @param context fields of the moment for every line that has none of its own, such as `trace_id` and `span_id`
 */
export function createLogger(role: string, level: string, context?: () => object): Logger {
  return pino({
    level,
    base: { role, instance: identity.instance, pid: identity.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    errorKey: 'error',
    serializers: { error: pino.stdSerializers.err },
    ...(context === undefined
      ? {}
      : { mixin: (_line: object, _level: number, logger: Logger) => (isBound(logger) ? {} : context()) }),
  });
}

const BOUND = Symbol('bound');

/** A logger of one request: its lines, and those of its children, have `rid`, and where it is traced `trace_id` and `span_id`. */
export function requestLogger(logger: Logger, rid: string, trace: Located): Logger {
  const child = logger.child({ rid, ...traceFields(trace) });
  return Object.defineProperty(child, BOUND, { value: true });
}

/** JSON must not name a field twice, which a child's and the context's would be. */
function isBound(logger: Logger): boolean {
  return BOUND in logger;
}

/** A line that other programs wait for: it comes at every LOG_LEVEL. */
export function announce(logger: Logger, fields: object, message: string): void {
  logger.child({}, { level: 'info' }).info(fields, message);
}
