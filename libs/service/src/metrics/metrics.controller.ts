import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { runtimeMetrics } from '@sliceway/tracing/runtime-metrics';
import { ServiceStatus } from '../service-status.js';
import { METRICS } from '../tokens.js';
import { expose } from './exposition.js';
import { defaultLabels, type MetricsRegistry } from './metrics.js';

@Controller('metrics')
export class MetricsController {
  constructor(
    @Inject(METRICS) private readonly registry: MetricsRegistry,
    private readonly status: ServiceStatus,
  ) {}

  @Get()
  async metrics(@Res() response: ServerResponse, @Headers('accept') accept?: string): Promise<void> {
    const { contentType, body } = await expose(
      this.registry,
      accept,
      defaultLabels(this.status.role),
      await runtimeMetrics(),
    );
    response.setHeader('content-type', contentType);
    response.setHeader('vary', 'accept');
    response.end(body);
  }
}
