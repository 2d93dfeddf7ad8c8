import '@sliceway/tracing/register';
import {
  Controller,
  Get,
  Inject,
  Module,
  Param,
  Query,
  Req,
  type DynamicModule,
  type MiddlewareConsumer,
  type NestModule,
} from '@nestjs/common';
import { Ctx, EventPattern, NatsContext, Payload } from '@nestjs/microservices';
import { parseFailed, subjects } from '@sliceway/protocol';
import {
  identity,
  LOGGER,
  MessageClient,
  PeerRegistry,
  runService,
  serviceSchema,
  ServiceStatus,
  type Logger,
} from '@sliceway/service';
import { resumeRequest } from '@sliceway/tracing';
import { activeContext, withContext, type ActiveContext } from '@sliceway/tracing/active-span';
import { setTimeout as sleep } from 'node:timers/promises';

const arrivals = new WeakMap<Request, ActiveContext>();

/** What an app adds to the base, as little as there can be: requests that take a while, and one message. */
@Controller()
class AppController {
  failed = 0;
  active = 0;

  constructor(
    status: ServiceStatus,
    private readonly messages: MessageClient,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    status.activeRequests = () => this.active;
  }

  @Get('work')
  async work(@Query('ms') ms: string): Promise<string> {
    this.active++;
    await sleep(Number(ms));
    this.active--;
    return 'done';
  }

  @Get('log/:text')
  async log(@Param('text') text: string, @Req() request: Request): Promise<void> {
    await sleep(1);
    const context = arrivals.get(request)!;
    withContext(context, () => this.logger.info({ text }, 'logged'));
  }

  @Get('failed')
  count(): number {
    return this.failed;
  }

  @Get('protocol-error')
  protocolError(): void {
    parseFailed(null);
  }

  @Get('crash')
  crash(): void {
    void Promise.reject(new Error('nobody waits for this'));
  }

  @EventPattern<string>(subjects.failed(identity.instance))
  onFailed(@Payload() message: unknown, @Ctx() context: NatsContext): void {
    const failed = parseFailed(message);
    if (failed.message === 'throw') throw new Error('a bug in a handler');
    this.failed++;
    const trace = resumeRequest(context.getHeaders(), { rid: failed.rid, role: 'gateway' });
    this.messages.emit('test.passed_on', failed.message, trace);
  }
}

@Module({})
class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    const arrive = (request: Request, _response: unknown, next: () => void): void => {
      arrivals.set(request, activeContext());
      next();
    };
    consumer.apply(arrive).forRoutes('log/*path');
  }

  static forRoot(logger: Logger): DynamicModule {
    const watch = {
      provide: 'watch',
      inject: [PeerRegistry, LOGGER],
      useFactory: (peers: PeerRegistry) =>
        peers.listen({
          onJoined: ({ instance }) => logger.info({ peer: instance }, 'peer joined'),
          onGone: ({ instance }, reason) => logger.info({ peer: instance, reason }, 'peer gone'),
        }),
    };
    return { module: AppModule, controllers: [AppController], providers: [watch] };
  }
}

await runService({ role: 'gateway', schema: serviceSchema, module: (_config, logger) => AppModule.forRoot(logger) });
