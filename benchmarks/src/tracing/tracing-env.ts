/** All of it: our spans, and what OpenTelemetry instruments by itself. */
export const TRACING_OFF = { SLICEWAY_TRACE_LEVEL: '0', OTEL_SDK_DISABLED: 'true' };

export function tracingTo(url: string, level: number): Record<string, string> {
  return {
    SLICEWAY_TRACE_LEVEL: String(level),
    OTEL_SDK_DISABLED: 'false',
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
  };
}

/** From the end of a request until all that was recorded of it has left: that takes 500 ms. */
export const SETTLED_MS = 600;

/** Sets the level of a running cluster. @throws Error unless every service has it */
export async function setTraceLevel(gatewayUrl: string, level: number): Promise<void> {
  const response = await fetch(`${gatewayUrl}/admin/trace-level`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ level }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`PUT /admin/trace-level answered ${response.status}: ${text}`);
  const { missing } = JSON.parse(text) as { readonly missing: readonly unknown[] };
  if (missing.length > 0) throw new Error(`level ${level} has not come everywhere: ${text}`);
}
