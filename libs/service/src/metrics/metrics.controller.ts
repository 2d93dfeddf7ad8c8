import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { METRICS } from '../tokens.js';
import type { MetricsRegistry } from './metrics.js';

@Controller('metrics')
export class MetricsController {
  constructor(@Inject(METRICS) private readonly registry: MetricsRegistry) {}

  @Get()
  async metrics(@Res() response: ServerResponse): Promise<void> {
    const body = await this.registry.metrics();
    response.setHeader('content-type', this.registry.contentType);
    response.end(body);
  }
}
