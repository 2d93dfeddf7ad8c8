import type { IncomingMessage } from 'node:http';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { context, propagation, trace, type ContextManager, type Span } from '@opentelemetry/api';
import type * as AutoInstrumentations from '@opentelemetry/auto-instrumentations-node';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { ATTR_HTTP_ROUTE } from '@opentelemetry/semantic-conventions';
import { SharedControl } from '../recording/shared-control.js';
import { threadWriter } from '../recording/thread-writer.js';
import { TraceLevel } from '../trace-level.js';
import { RingSpanProcessor } from './ring-span-processor.js';
import { withInstrumentations } from './register.config.js';
import { startRuntimeMetrics } from './runtime-metrics.js';
import { SynchronousContextManager } from './synchronous-context-manager.js';

/** Asked by machines, again and again. */
const UNTRACED_URL = /^\/(health|metrics)(?![^/?])/;

const RUNTIME = '@opentelemetry/instrumentation-runtime-node';

/** What an Express application adds to a request that it has a route for. */
interface RoutedRequest {
  readonly method?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly route?: { readonly path?: unknown } | undefined;
}

/** OpenTelemetry's auto-instrumentation of this process; its spans go into the ring of this thread. */
export function startInstrumentation(): void {
  const require = createRequire(import.meta.url);
  context.setGlobalContextManager(contextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  // The sampler is that of the environment. The resource is the exporter's: records have none.
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new RingSpanProcessor(threadWriter)] }));
  // Loaded here, since it takes as long as a service's own modules.
  const auto = require('@opentelemetry/auto-instrumentations-node') as typeof AutoInstrumentations;
  const control = SharedControl.ofProcess();
  const instrumentations = withInstrumentations(() =>
    auto.getNodeAutoInstrumentations({
      '@opentelemetry/instrumentation-http': {
        // Level 0, set at run time, is off for HTTP, too.
        ignoreIncomingRequestHook: ({ url = '' }: IncomingMessage) =>
          !control.enabled || control.level === TraceLevel.off || UNTRACED_URL.test(url),
        requireParentforOutgoingSpans: true,
        applyCustomAttributesOnSpan: nameByRoute,
      },
    }),
  );
  // That of HTTP would measure each request, which our own metrics do.
  const ofRuntime = instrumentations.find(({ instrumentationName }) => instrumentationName === RUNTIME);
  if (ofRuntime !== undefined) startRuntimeMetrics(ofRuntime);
  // Patched when they are required, which ES modules do not; their imports see what was patched after this.
  for (const builtin of ['http', 'https']) require(builtin);
  syncBuiltinESMExports();
}

/** From 24 on AsyncLocalStorage costs next to nothing. */
function contextManager(): ContextManager {
  const [major] = process.versions.node.split('.');
  return Number(major) >= 24 ? new AsyncLocalStorageContextManager() : new SynchronousContextManager();
}

/** A route is as good a name as a URL with ids in it is a bad one. */
function nameByRoute(span: Span, { method, baseUrl = '', route }: RoutedRequest): void {
  if (typeof route?.path !== 'string') return;
  span.setAttribute(ATTR_HTTP_ROUTE, baseUrl + route.path);
  span.updateName(`${method} ${baseUrl}${route.path}`);
}
