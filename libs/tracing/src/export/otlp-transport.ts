import { diag, DiagLogLevel } from '@opentelemetry/api';
import { VERSION } from './version.js';

/** Sends requests to an OTLP receiver, by OpenTelemetry's configuration: it reads OTEL_EXPORTER_OTLP_*. */
export interface OtlpTransport {
  /**
   * Resolves with how many spans the receiver rejected.
   *
   * @param request a whole ExportTraceServiceRequest
   * @param signal gives it up: what is under way is cut off, and not tried again
   */
  send(request: Uint8Array, signal: AbortSignal): Promise<number>;
  shutdown(): void;
}

/** In the names of environment variables. */
export const SIGNAL = 'TRACES';
export const TRANSPORT_OPTIONS = { userAgent: `sliceway/${VERSION}` };

/** Hands on what OpenTelemetry's parts have to say, such as a certificate that is not there. */
export function onDiagnostics(take: (message: string) => void): void {
  const warn = (message: string, ...details: unknown[]): void => take([message, ...details.map(String)].join(' '));
  const ignore = (): void => {};
  const logger = { error: warn, warn, info: ignore, debug: ignore, verbose: ignore };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}

/** A receiver says what it did not take: the OTLP specification wants a warning. */
export function warnOfRejected(
  partial: { rejectedSpans?: unknown; errorMessage?: string | null } | null | undefined,
): number {
  if (!partial || (!partial.rejectedSpans && !partial.errorMessage)) return 0;
  const rejected = Number(partial.rejectedSpans ?? 0);
  diag.warn(`receiver rejected ${rejected} spans: ${partial.errorMessage || 'no reason given'}`);
  return rejected;
}
