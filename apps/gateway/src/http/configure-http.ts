import type { NestExpressApplication } from '@nestjs/platform-express';
import { LOGGER, LogOnce, MessageErrorFilter, type Logger } from '@sliceway/service';
import { apiKeysOf, type GatewayConfig } from '../gateway.config.js';
import { allowedMethods } from './allowed-methods.js';
import { ApiErrorFilter } from './api-error.filter.js';
import { isLoopback } from './admin.guard.js';
import { apiKeys } from './api-keys.js';
import { arrivalMiddleware } from './arrival.js';
import { corsFor } from './cors.js';
import { jsonBody } from './json-body.js';
import { securityHeaders } from './security-headers.js';

/** What comes before the controllers and after their errors. */
export function configureHttp(app: NestExpressApplication, config: GatewayConfig): void {
  app.use(arrivalMiddleware);
  app.use(securityHeaders);
  const origins = config.SLICEWAY_CORS_ORIGINS;
  if (origins !== undefined) app.enableCors(corsFor(origins));
  app.use(allowedMethods);
  // Before anything of a body is read.
  const keys = apiKeysOf(config);
  if (keys.length === 0 && !isLoopback(config.HOST)) {
    app.get<Logger>(LOGGER).warn({ host: config.HOST }, 'everybody who reaches it is served: set SLICEWAY_API_KEYS');
  }
  app.use(apiKeys(keys));
  app.use(jsonBody(config.SLICEWAY_MAX_BODY_BYTES));
  app.useGlobalFilters(new ApiErrorFilter(new MessageErrorFilter(app.get(LogOnce), app.get(LOGGER))));
}
