/** The object of a JSON log line, null for any other line. */
export function parseLogLine(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/** A log line for a person: level, message and error of a service's line; any other line as it is. */
export function formatLogLine(line: string): string {
  const entry = parseLogLine(line);
  if (typeof entry?.['msg'] !== 'string') return line;
  const error = entry['error'] as { stack?: unknown; message?: unknown } | undefined;
  const detail = error?.stack ?? error?.message;
  const level = entry['level'];
  const text = typeof level === 'string' ? `${level}: ${entry['msg']}` : entry['msg'];
  return detail === undefined ? text : `${text}\n${String(detail)}`;
}
