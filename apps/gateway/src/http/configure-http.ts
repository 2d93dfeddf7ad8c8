import type { NestExpressApplication } from '@nestjs/platform-express';
import { LogOnce, ProtocolErrorFilter } from '@sliceway/service';
import type { GatewayConfig } from '../gateway.config.js';
import { allowedMethods } from './allowed-methods.js';
import { ApiErrorFilter } from './api-error.filter.js';
import { jsonBody } from './json-body.js';
import { arrivalMiddleware } from './arrival.js';

/** What comes before the controllers and after their errors. */
export function configureHttp(app: NestExpressApplication, config: GatewayConfig): void {
  app.disable('x-powered-by');
  app.use(arrivalMiddleware);
  app.use(allowedMethods);
  app.use(jsonBody(config.SLICEWAY_MAX_BODY_BYTES));
  app.useGlobalFilters(new ApiErrorFilter(new ProtocolErrorFilter(app.get(LogOnce))));
}
