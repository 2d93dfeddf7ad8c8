export { engineSchema, engineServiceSchema, type EngineConfig } from './config/engine.schema.js';
export { describeConfig, type VariableDescription } from './config/describe-config.js';
export { refuseBoth } from './config/either.js';
export { flag, integer } from './config/fields.js';
export { readableFile, readSecret } from './config/readable-file.js';
export { ConfigError, parseConfig } from './config/parse-config.js';
export { serviceSchema, type ServiceConfig } from './config/service.schema.js';
export {
  endWithEngine,
  engineOptionsOf,
  joinCluster,
  tokenPublisherProvider,
  type EngineService,
} from './engine-glue.js';
export { FailureReporter, type FailedAttempt } from './failure-reporter.js';
export { textCodec, tokenCodec } from './frames/frame-codecs.js';
export { FramePublisher, type FrameCodec } from './frames/frame-publisher.js';
export { FrameSubscription, type FrameHandlers } from './frames/frame-subscription.js';
export { identity } from './identity.config.js';
export type {
  FirstToken,
  KvAnnouncement,
  KvReceiver,
  KvSegment,
  KvSender,
  KvSink,
  KvSource,
  KvTotals,
  KvTransferId,
  KvTransport,
  ReceiverEvents,
  SenderEvents,
  WholeTransfer,
} from './kv-transport/kv-transport.js';
export { kvTransportProvider } from './kv-transport/kv-transport.provider.js';
export { NatsKvTransport, type NatsKvTransportOptions } from './kv-transport/nats-kv-transport.js';
export { failureCodeOf, tokenEntryOf, wireFinish } from './legs/engine-conversions.js';
export { setQueueAttributes } from './legs/queue-attributes.js';
export { transferAttributes } from './legs/transfer-attributes.js';
export { LegTable, type LegDropReason, type LegEvents, type LegLimits, type OpenLeg } from './legs/leg-table.js';
export { LogOnce } from './logging/log-once.js';
export { MessageErrorFilter } from './message-error.filter.js';
export { requestLogger, type Logger } from './logging/logger.js';
export { traceFields, type Located } from './logging/trace-fields.js';
export { E2E_SECONDS, ITL_SECONDS, TPOT_SECONDS, TTFT_SECONDS } from './metrics/buckets.js';
export { ExemplarHistogram } from './metrics/exemplar-histogram.js';
export { queueTimeHistogram } from './metrics/queue-time.js';
export type { MetricsRegistry } from './metrics/metrics.js';
export { countFrom, gaugeFrom } from './metrics/read-metrics.js';
export { MessageClient } from './nats/message-client.js';
export { processMessage } from './nats/message-spans.js';
export { PeerRegistry, type PeerListener } from './registry/peer-registry.js';
export { runService, type ServiceOptions } from './run-service.js';
export { NO_LOAD, ServiceStatus, type ReadinessCheck } from './service-status.js';
export { CONFIG, ENGINE, HOT_PATH, LOGGER, METRICS, TRACING } from './tokens.js';
