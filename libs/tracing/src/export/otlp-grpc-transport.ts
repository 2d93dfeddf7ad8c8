import { Client, type ServiceError } from '@grpc/grpc-js';
import { convertLegacyOtlpGrpcOptions } from '@opentelemetry/otlp-grpc-exporter-base';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type OtlpTransport, SIGNAL, TRANSPORT_OPTIONS, warnOfRejected } from './otlp-transport.js';
import { RetryableExportError, withRetries } from './retries.js';

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
/** With these ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS: https://opentelemetry.io/docs/specs/otlp/#failures */
const RETRYABLE: readonly number[] = [CANCELLED, DEADLINE_EXCEEDED, 10, 11, 14, 15];
/** So many calls in a row without an answer, and a new connection is opened; as OpenTelemetry's exporter has it. */
const MAX_UNANSWERED = 5;
/** Names of gRPC's: https://github.com/grpc/grpc-node/blob/master/packages/grpc-js/README.md#supported-channel-options */
const GZIP = { 'grpc.default_compression_algorithm': 2 } as const;

/**
 * OTLP over gRPC. Configured as OpenTelemetry's exporter; called by itself, since that one's calls cannot be cancelled.
 *
 * @param endpoint the environment's if not given
 * @throws Error if the address is none
 */
export function createOtlpGrpcTransport(endpoint: string | undefined): OtlpTransport {
  const options = convertLegacyOtlpGrpcOptions({ ...(endpoint && { url: endpoint }), ...TRANSPORT_OPTIONS }, SIGNAL);
  const metadata = options.metadata();
  const open = (): Client =>
    new Client(options.url, options.credentials(), {
      'grpc.primary_user_agent': TRANSPORT_OPTIONS.userAgent,
      ...(options.compression === 'gzip' && GZIP),
    });
  let client = open();
  let unanswered = 0;

  /** What has no answer may be on a connection that is dead: nothing else would say so. */
  function reconnectAfter(code: number | undefined): void {
    unanswered = code === CANCELLED || code === DEADLINE_EXCEEDED ? unanswered + 1 : 0;
    if (unanswered <= MAX_UNANSWERED) return;
    client.close();
    client = open();
    unanswered = 0;
  }

  function sendOnce(request: Buffer, timeoutMs: number, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, answer?: Uint8Array): void => {
        reconnectAfter(error?.code);
        if (error !== null) return reject(RETRYABLE.includes(error.code) ? new RetryableExportError(error) : error);
        try {
          resolve(warnOfRejected(ProtobufTraceSerializer.deserializeResponse(answer!).partialSuccess));
        } catch (cause) {
          reject(cause as Error);
        }
      };
      const deadline = Date.now() + timeoutMs;
      const call = client.makeUnaryRequest(PATH, asItIs, asItIs, request, metadata, { deadline }, answered);
      signal.addEventListener('abort', () => call.cancel());
    });
  }

  return {
    send: ({ buffer, byteOffset, length }, signal) => {
      const request = Buffer.from(buffer, byteOffset, length);
      return withRetries((timeoutMs) => sendOnce(request, timeoutMs, signal), options.timeoutMillis, signal);
    },
    shutdown: () => client.close(),
  };
}

function asItIs(bytes: Buffer): Buffer {
  return bytes;
}
