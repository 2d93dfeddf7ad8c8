import 'reflect-metadata';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NatsConnection } from '@nats-io/transport-node';
import { WorkerState, type Role } from '@sliceway/protocol';
import { initTracing, registerThread, type TraceLevel } from '@sliceway/tracing';
import { environment } from './config/environment.config.js';
import { ConfigError, parseConfig } from './config/parse-config.js';
import type { ServiceConfig } from './config/service.schema.js';
import { drain } from './drain/drain.js';
import { createLogger, type Logger } from './logging/logger.js';
import { NestLogger } from './logging/nest-logger.js';
import { connectionOptions } from './nats/connection-options.js';
import { MessageClient } from './nats/message-client.js';
import { Heartbeats } from './registry/heartbeats.js';
import { registerMicroService } from './registry/micro-service.js';
import { ServiceModule } from './service.module.js';
import { ServiceStatus } from './service-status.js';
import { HOT_PATH } from './tokens.js';
import { z } from 'zod';

export interface ServiceOptions<S extends z.ZodObject> {
  readonly role: Role;
  /** Extends `serviceSchema`. */
  readonly schema: S;
  /** The app's module; it finds ServiceModule's providers. */
  readonly module: (config: z.output<S>, logger: Logger) => Type | DynamicModule;
  /** Sets up HTTP before it listens. */
  readonly configureHttp?: (app: NestExpressApplication, config: z.output<S>) => void;
}

/** Runs a service until SIGTERM or SIGINT: HTTP and NATS, heartbeats, drain. Prints one line `"msg":"ready"` when it serves. */
export async function runService<S extends z.ZodObject>(options: ServiceOptions<S>): Promise<void> {
  const config = readConfig(options);
  const logger = createLogger(options.role, config.LOG_LEVEL);
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.once(event, (error: unknown) => {
      logger.fatal({ error }, event);
      process.exit(1);
    });
  }

  const tracing = initTracing({
    serviceName: `sliceway-${options.role}`,
    level: config.SLICEWAY_TRACE_LEVEL as TraceLevel,
  });
  registerThread({ label: options.role });
  const app = await createApp(options, config, logger);
  const status = app.get(ServiceStatus);
  const heartbeats = app.get(Heartbeats);
  const hotPath = app.get<NatsConnection>(HOT_PATH);

  const stop = async (signal: string): Promise<void> => {
    process.once('SIGINT', () => process.exit(130));
    logger.info({ signal }, 'draining');
    const left = await drain(status, config.SLICEWAY_DRAIN_TIMEOUT_MS);
    if (left > 0) logger.warn({ requests: left }, 'ended with requests under way');
    status.become(WorkerState.stopped);
    heartbeats.stop();
    await hotPath.flush().catch(() => {});
    await app.close();
    await app.get(MessageClient).close();
    await hotPath.close();
    await tracing.shutdown();
    logger.info('stopped');
    process.exit(0);
  };
  process.once('SIGTERM', () => void stop('SIGTERM'));
  process.once('SIGINT', () => void stop('SIGINT'));

  await app.get(MessageClient).connect();
  await registerMicroService(hotPath, status);
  status.become(WorkerState.ready);
  heartbeats.start();
  const backend = status.serves?.kvFormat ? { backend: status.serves.backend } : {};
  logger.info({ url: await app.getUrl(), ...backend }, 'ready');
}

function readConfig<S extends z.ZodObject>({ schema, role }: ServiceOptions<S>): z.output<S> & ServiceConfig {
  try {
    return parseConfig(schema, environment) as z.output<S> & ServiceConfig;
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
): Promise<NestExpressApplication> {
  @Module({ imports: [ServiceModule.forRoot(role, config, logger), module(config, logger)] })
  class RootModule {}
  const app = await NestFactory.create<NestExpressApplication>(RootModule, {
    logger: new NestLogger(logger),
    bodyParser: false,
    abortOnError: false,
  });
  configureHttp?.(app, config);
  app.connectMicroservice<MicroserviceOptions>(
    { transport: Transport.NATS, options: connectionOptions(role, config, 'handlers') as never },
    { inheritAppConfig: true },
  );
  await app.startAllMicroservices();
  await app.listen(config.PORT, config.HOST);
  return app;
}
