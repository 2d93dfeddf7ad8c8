import { pino, type Logger } from 'pino';
import { identity } from '../identity.config.js';

export type { Logger } from 'pino';

/** JSON lines on stdout, each with role and instance. Prompts and completions are never logged. */
export function createLogger(role: string, level: string): Logger {
  return pino({
    level,
    base: { role, instance: identity.instance, pid: identity.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    errorKey: 'error',
    serializers: { error: pino.stdSerializers.err },
  });
}
