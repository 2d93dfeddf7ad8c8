/** pino's numeric levels. */
const LEVEL_NAMES: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** The object of a JSON log line, null for any other line. */
export function parseLogLine(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** A log line for a person: level, message and error of a pino line; any other line as it is. */
export function formatLogLine(line: string): string {
  const entry = parseLogLine(line);
  if (typeof entry?.['msg'] !== 'string') return line;
  const level = LEVEL_NAMES[entry['level'] as number];
  const error = entry['err'] as { stack?: unknown; message?: unknown } | undefined;
  const detail = error?.stack ?? error?.message;
  const text = level === undefined ? entry['msg'] : `${level}: ${entry['msg']}`;
  return detail === undefined ? text : `${text}\n${String(detail)}`;
}
