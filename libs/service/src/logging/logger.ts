import { pino, type Logger } from 'pino';
import { identity } from '../identity.config.js';

export type { Logger } from 'pino';

/**
 * JSON lines on stdout, each with role and instance. Prompts and completions are never logged.
 * @param context fields of the moment for every line, such as `trace_id` and `span_id`
 */
export function createLogger(role: string, level: string, context?: () => object): Logger {
  return pino({
    level,
    base: { role, instance: identity.instance, pid: identity.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    errorKey: 'error',
    serializers: { error: pino.stdSerializers.err },
    ...(context === undefined ? {} : { mixin: context }),
  });
}

/** A line that other programs wait for: it comes at every LOG_LEVEL. */
export function announce(logger: Logger, fields: object, message: string): void {
  logger.child({}, { level: 'info' }).info(fields, message);
}
