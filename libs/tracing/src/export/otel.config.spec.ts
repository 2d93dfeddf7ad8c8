import { readOtelConfig } from './otel.config.js';
import { DEFAULT_SPAN_LIMITS } from './span-limits.js';

it('has defaults', () => {
  expect(readOtelConfig({})).toEqual({
    isDisabled: false,
    exporters: null,
    hasEndpoint: false,
    protocol: 'http/protobuf',
    maxBatchSpans: 512,
    maxQueueSpans: 65_536,
    scheduleDelayMs: 500,
    exportTimeoutMs: 30_000,
    spanLimits: DEFAULT_SPAN_LIMITS,
    resource: {},
    traceDirectory: undefined,
    processorModule: undefined,
    exporterModule: undefined,
    sglangNames: false,
    environment: {},
    warnings: [],
  });
});

it('takes what is set; blanks are not', () => {
  const environment = {
    OTEL_SDK_DISABLED: 'false',
    OTEL_TRACES_EXPORTER: 'otlp, console,,otlp',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: ' http://a ',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'grpc',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
    OTEL_BSP_MAX_QUEUE_SIZE: '1',
    OTEL_BSP_SCHEDULE_DELAY: '0',
    OTEL_BSP_EXPORT_TIMEOUT: '2147483647',
    OTEL_RESOURCE_ATTRIBUTES: ' a = b%3D,service.name=one , c=',
    OTEL_SERVICE_NAME: 'two',
    SLICEWAY_TRACE_DIRECTORY: '  ',
    SLICEWAY_TRACE_PROCESSOR: './p.mjs',
    SLICEWAY_TRACE_EXPORTER: '',
    SLICEWAY_TRACE_SGLANG_NAMES: ' TRUE ',
  };
  expect(readOtelConfig(environment)).toEqual({
    isDisabled: false,
    exporters: ['otlp', 'console'],
    hasEndpoint: true,
    protocol: 'grpc',
    maxBatchSpans: 1,
    maxQueueSpans: 1,
    scheduleDelayMs: 0,
    exportTimeoutMs: 2_147_483_647,
    spanLimits: DEFAULT_SPAN_LIMITS,
    resource: { a: 'b=', 'service.name': 'two', c: '' },
    traceDirectory: undefined,
    processorModule: './p.mjs',
    exporterModule: undefined,
    sglangNames: true,
    environment,
    warnings: [],
  });
});

it.each([
  ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', ['0', '-1', '1.5', 'many', '2147483648'], { maxBatchSpans: 512 }],
  ['OTEL_BSP_MAX_QUEUE_SIZE', ['0', 'NaN'], { maxQueueSpans: 65_536 }],
  ['OTEL_BSP_SCHEDULE_DELAY', ['-1', '1e99'], { scheduleDelayMs: 500 }],
  ['OTEL_BSP_EXPORT_TIMEOUT', ['0', '5s'], { exportTimeoutMs: 30_000 }],
  ['OTEL_ATTRIBUTE_COUNT_LIMIT', ['-1', 'all'], { spanLimits: DEFAULT_SPAN_LIMITS }],
  ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', ['-1', '2147483648'], { spanLimits: DEFAULT_SPAN_LIMITS }],
  ['OTEL_EXPORTER_OTLP_PROTOCOL', ['http/json', 'GRPC'], { protocol: 'http/protobuf' }],
  ['OTEL_RESOURCE_ATTRIBUTES', ['a', '=b', 'a=%zz'], { resource: {} }],
  ['OTEL_TRACES_EXPORTER', ['zipkin'], { exporters: [] }],
  ['SLICEWAY_TRACE_SGLANG_NAMES', ['1', 'yes'], { sglangNames: false }],
] as const)('%s: a bad value is named, and the default taken', (name, values, expected) => {
  for (const value of values) {
    const config = readOtelConfig({ [name]: value });
    expect(config).toMatchObject(expected);
    expect(config.warnings).toEqual([expect.stringContaining(name)]);
  }
});

it('a batch is no larger than the queue', () => {
  expect(readOtelConfig({ OTEL_BSP_MAX_QUEUE_SIZE: '100' }).maxBatchSpans).toBe(100);
});
