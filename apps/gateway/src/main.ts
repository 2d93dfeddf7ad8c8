// Before anything else: it instruments what the other imports bring.
import '@sliceway/tracing/register';
import { runService } from '@sliceway/service';
import { gatewaySchema } from './gateway.config.js';
import { GatewayModule } from './gateway.module.js';
import { configureHttp } from './http/configure-http.js';

await runService({
  role: 'gateway',
  schema: gatewaySchema,
  module: () => GatewayModule,
  configureHttp,
});
