import type { Logger, MetricsRegistry } from '@sliceway/service';
import { liveRequests } from '@sliceway/tracing';
import { control, recordAll, recorded } from '@sliceway/tracing/testing';
import type { Request, Response } from 'express';
import { Registry } from 'prom-client';
import type { GatewayConfig } from '../gateway.config.js';
import { arrivalMiddleware } from '../http/arrival.js';
import { Router } from '../routing/router.js';
import { Admission } from './admission.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { GenerationService } from './generation.service.js';
import { HandFedCluster, REQUEST } from './lifecycle.fixture.js';
import { RequestTable } from './request-table.js';

it('closes the traces of all prompts where they cannot be started', () => {
  recordAll();
  recorded();
  const registry: MetricsRegistry = new Registry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const admission = new Admission({ maxConcurrent: 10, maxQueued: () => 10, maxQueuedTokens: () => 10_000 });
  const service = new GenerationService(
    { SLICEWAY_REQUEST_TIMEOUT_MS: 1000, SLICEWAY_STALL_TIMEOUT_MS: 1000 } as GatewayConfig,
    new HandFedCluster(),
    new Router({ ready: () => [] }, { prefillPolicy: 'round_robin', decodePolicy: 'round_robin' }),
    admission,
    new RequestTable(),
    new GatewayMetrics(registry),
    {} as Logger,
  );
  const request = { headers: {}, path: '/v1/completions' } as Request;
  const response = { setHeader: () => {} } as unknown as Response;
  arrivalMiddleware(request, response, () => {});
  const sink = (): never => {
    throw new Error('no sink');
  };
  expect(() => service.run(request, response, () => ({ requests: [REQUEST, REQUEST], answer: { sink } }))).toThrow();
  expect([liveRequests(), admission.running]).toEqual([0, 0]);
  const requests = recorded().filter(({ name }) => name.startsWith('gateway Req'));
  expect(requests.map(({ status }) => status.code)).toEqual([2, 2]);
  control.enabled = false;
});
