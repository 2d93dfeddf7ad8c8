import 'reflect-metadata';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NatsConnection } from '@nats-io/transport-node';
import { WorkerState, type Role } from '@sliceway/protocol';
import { initTracing, registerThread, type TraceLevel, type Tracing } from '@sliceway/tracing';
import { activeFields } from '@sliceway/tracing/active-span';
import { z } from 'zod';
import { environment } from './config/environment.config.js';
import { checkNatsConfig } from './config/nats.schema.js';
import { ConfigError, parseConfig } from './config/parse-config.js';
import type { ServiceConfig } from './config/service.schema.js';
import { exitWithSpans } from './drain/exit-with-spans.js';
import { Shutdown } from './drain/shutdown.js';
import { announce, createLogger, type Logger } from './logging/logger.js';
import { NestLogger } from './logging/nest-logger.js';
import { ConnectionHealth } from './nats/connection-health.js';
import { connectionOptions } from './nats/connection-options.js';
import { MessageClient } from './nats/message-client.js';
import { TolerantDeserializer } from './nats/tolerant-deserializer.js';
import { identity } from './identity.config.js';
import { Heartbeats } from './registry/heartbeats.js';
import { registerMicroService } from './registry/micro-service.js';
import { ServiceModule } from './service.module.js';
import { ServiceStatus } from './service-status.js';
import { HOT_PATH } from './tokens.js';
import { VERSION } from './version.js';

/** Less than `Shutdown` waits for the whole of closing. */
const FLUSH_MS = 2000;

export interface ServiceOptions<S extends z.ZodObject> {
  readonly role: Role;
  /** Extends `serviceSchema`. */
  readonly schema: S;
  /** The app's module; it finds ServiceModule's providers. */
  readonly module: (config: z.output<S>, logger: Logger) => Type | DynamicModule;
  /** Sets up HTTP before it listens. */
  readonly configureHttp?: (app: NestExpressApplication, config: z.output<S>) => void;
}

/**
 * Runs a service until SIGTERM or SIGINT: HTTP and NATS, heartbeats, drain. Prints one line `"msg":"ready"` when it serves.
 * Faults of the environment are printed, and end the process with 1; so does an error that nothing caught.
 */
export async function runService<S extends z.ZodObject>(options: ServiceOptions<S>): Promise<void> {
  const { role } = options;
  const config = readConfig(options);
  const logger = createLogger(role, config.LOG_LEVEL, activeFields);
  let tracing: Tracing | null = null;
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    // Not once: more of them may come while the spans of the first are sent.
    process.on(event, (error: unknown) => {
      logger.fatal({ error }, event);
      void exitWithSpans(tracing, 'uncaught_error');
    });
  }
  const shutdown = new Shutdown(logger);
  tracing = initTracing({
    serviceName: `sliceway-${role}`,
    serviceInstanceId: identity.instance,
    resource: { 'service.version': VERSION },
    level: config.SLICEWAY_TRACE_LEVEL as TraceLevel,
    log: (message) => logger.warn(message),
  });
  registerThread({ label: threadLabel(role) });

  const app = await createApp(options, config, logger, tracing);
  const status = app.get(ServiceStatus);
  const messages = app.get(MessageClient);
  const heartbeats = app.get(Heartbeats);
  const hotPath = app.get<NatsConnection>(HOT_PATH);
  let isClosing = false;
  shutdown.serves({
    status,
    drainTimeoutMs: config.SLICEWAY_DRAIN_TIMEOUT_MS,
    close: async () => {
      isClosing = true;
      heartbeats.stop();
      await app.close();
      // While nats-server is down there is nobody to tell.
      await Promise.allSettled([hotPath.flush(), messages.flush()]);
      await Promise.allSettled([messages.close(), hotPath.close()]);
      await tracing?.shutdown(FLUSH_MS);
    },
  });
  void hotPath.closed().then((error) => {
    if (isClosing) return;
    logger.fatal({ error }, 'NATS closed the connection for good');
    void exitWithSpans(tracing, 'nats_closed');
  });

  await messages.connect();
  await registerMicroService(hotPath, status);
  status.become(WorkerState.ready);
  heartbeats.start();
  const backend = status.serves?.kvFormat ? { backend: status.serves.backend } : {};
  announce(logger, { url: await app.getUrl(), ...backend }, 'ready');
}

/** What a role's requests run on, in the trace: where an engine is, it is not alone. */
function threadLabel(role: Role): string {
  return role === 'prefill' || role === 'decode' ? 'scheduler' : role;
}

function readConfig<S extends z.ZodObject>({ schema, role }: ServiceOptions<S>): z.output<S> & ServiceConfig {
  try {
    const whole = schema.superRefine((config, context) => checkNatsConfig(config as ServiceConfig, context));
    return parseConfig(whole, environment) as z.output<S> & ServiceConfig;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLogger(role, 'fatal').fatal({ faults: error.faults }, error.message);
    return process.exit(1);
  }
}

async function createApp<S extends z.ZodObject>(
  { role, module, configureHttp }: ServiceOptions<S>,
  config: z.output<S> & ServiceConfig,
  logger: Logger,
  tracing: Tracing,
): Promise<NestExpressApplication> {
  @Module({ imports: [ServiceModule.forRoot(role, config, logger, tracing), module(config, logger)] })
  class RootModule {}
  const app = await NestFactory.create<NestExpressApplication>(RootModule, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
    // After the drain only idle clients are left, and they may stay for ever.
    forceCloseConnections: true,
  });
  app.disable('x-powered-by');
  configureHttp?.(app, config);
  const handlers = app.connectMicroservice<MicroserviceOptions>(
    {
      transport: Transport.NATS,
      options: { ...connectionOptions(role, config, 'handlers'), deserializer: new TolerantDeserializer() } as never,
    },
    { inheritAppConfig: true },
  );
  const health = app.get(ConnectionHealth);
  handlers.status.subscribe((state) => health.set('handlers', state === 'connected'));
  await app.startAllMicroservices();
  await app.listen(config.PORT, config.HOST);
  return app;
}
