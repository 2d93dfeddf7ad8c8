import { convertLegacyOtlpGrpcOptions, createOtlpGrpcExportDelegate } from '@opentelemetry/otlp-grpc-exporter-base';
import {
  type IExportTraceServiceResponse,
  type ISerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import { type OtlpRequest, type OtlpTransport, SIGNAL, TRANSPORT_OPTIONS } from './otlp-transport.js';
import { RetryableExportError, withRetries } from './retries.js';

const SERVICE = 'TraceExportService';
const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const METRICS = { name: 'span', countItems: ({ spans }: OtlpRequest) => spans } as const;
/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS: https://opentelemetry.io/docs/specs/otlp/#failures */
const RETRYABLE: readonly unknown[] = [1, 4, 10, 11, 14, 15];

/**
 * OTLP over gRPC: OpenTelemetry's transport, given bytes instead of spans.
 *
 * @param endpoint the environment's if not given
 * @throws Error if the address is none
 */
export function createOtlpGrpcTransport(endpoint: string | undefined): OtlpTransport {
  let rejected = 0;
  const serializer: ISerializer<OtlpRequest, IExportTraceServiceResponse> = {
    serializeRequest: ({ bytes }) => bytes,
    // Called right before success is reported; the delegate warns.
    deserializeResponse: (data) => {
      const response = ProtobufTraceSerializer.deserializeResponse(data);
      rejected += Number(response.partialSuccess?.rejectedSpans ?? 0);
      return response;
    },
  };
  const options = convertLegacyOtlpGrpcOptions({ ...(endpoint && { url: endpoint }), ...TRANSPORT_OPTIONS }, SIGNAL);
  const type = 'otlp_grpc_span_exporter';
  const delegate = createOtlpGrpcExportDelegate(options, serializer, type, METRICS, undefined, SERVICE, PATH);

  function sendOnce(request: OtlpRequest): Promise<void> {
    return new Promise((resolve, reject) =>
      delegate.export(request, ({ code, error = new Error('export failed') }) => {
        if (code === 0) resolve();
        else reject(RETRYABLE.includes((error as { code?: unknown }).code) ? new RetryableExportError(error) : error);
      }),
    );
  }

  return {
    send: async (request) => {
      await withRetries(() => sendOnce(request), options.timeoutMillis);
      const count = rejected;
      rejected = 0;
      return count;
    },
    // Calls have a deadline.
    abort() {},
    shutdown: () => void delegate.shutdown(),
  };
}
