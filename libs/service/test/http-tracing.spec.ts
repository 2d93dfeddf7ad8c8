import { startOtlpReceiver, type OtlpReceiver } from '@sliceway/testing';
import { Broker } from './broker.fixture.js';
import { ServiceProcess } from './service-process.fixture.js';

const SERVER = 2;
const TRACE = 'ab'.repeat(16);
const traceparent = (flags: string): string => `00-${TRACE}-${'cd'.repeat(8)}-${flags}`;

describe('HTTP of a service', () => {
  let broker: Broker;
  let receiver: OtlpReceiver;
  let service: ServiceProcess | undefined;

  const start = async (environment: Record<string, string> = {}): Promise<ServiceProcess> => {
    const exporter = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf' };
    return (service = await ServiceProcess.ready(broker, {
      ...exporter,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      ...environment,
    }));
  };
  beforeAll(async () => {
    broker = await Broker.start();
    receiver = await startOtlpReceiver();
  });
  afterEach(async () => {
    await service?.stop();
    receiver.clear();
  });
  afterAll(async () => {
    await receiver.close();
    await broker.stop();
  });

  it('is traced, but for what machines ask again and again', async () => {
    const service = await start();
    for (const path of ['/health', '/health/live', '/health/ready', '/metrics']) await service.get(path);
    await service.get('/log/unsampled', { traceparent: traceparent('00') });
    await service.get('/log/first', { traceparent: traceparent('01') });
    await service.get('/nowhere');
    const spans = await receiver.waitFor((spans) => spans.length >= 2);
    const [first, nowhere] = spans;
    expect(spans.map(({ name }) => name)).toEqual(['GET /log/:text', 'GET']);
    expect(first).toMatchObject({
      traceId: TRACE,
      parentSpanId: 'cd'.repeat(8),
      kind: SERVER,
      scope: '@opentelemetry/instrumentation-http',
      attributes: { 'http.request.method': 'GET', 'http.route': '/log/:text', 'url.path': '/log/first' },
      resource: { 'service.name': 'sliceway-gateway' },
    });
    expect(first!.attributes['http.response.status_code']).toBe(200);
    expect(nowhere).toMatchObject({ parentSpanId: null });
    expect(nowhere!.attributes['http.response.status_code']).toBe(404);
    // The handler slept for a millisecond, and nobody for a minute.
    expect(Number(first!.endNs - first!.startNs)).toBeGreaterThan(0.9e6);
    expect(Math.abs(Number(first!.endNs / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  });

  it('has its lines of the log say where they were written', async () => {
    const service = await start();
    await service.get('/log/traced', { traceparent: traceparent('01') });
    await service.get('/log/untraced', { traceparent: traceparent('00') });
    const [span] = await receiver.waitFor((spans) => spans.length > 0);
    expect(await service.logs('logged', { text: 'traced' })).toMatchObject({ trace_id: TRACE, span_id: span!.spanId });
    expect(await service.logs('logged', { text: 'untraced' })).not.toHaveProperty('trace_id');
  });

  it.each(['text/plain', 'application/openmetrics-text'])(
    'has what Node.js does in its metrics, as %s',
    async (accept) => {
      const service = await start();
      const { body: text } = await service.get('/metrics', { accept });
      expect(text).toMatch(/^nodejs_eventloop_utilization \d/m);
      expect(text).not.toMatch(/^# UNIT/m);
      expect(text.split('\n').filter((line) => line === '# EOF')).toHaveLength(accept === 'text/plain' ? 0 : 1);
      expect(text.endsWith('# EOF\n')).toBe(accept !== 'text/plain');
    },
  );

  it.each([{ SLICEWAY_TRACE_LEVEL: '0' }, { OTEL_SDK_DISABLED: 'true' }])(
    'is not traced with %p',
    async (environment) => {
      const service = await start(environment);
      await service.get('/log/a', { traceparent: traceparent('01') });
      expect(await service.logs('logged')).not.toHaveProperty('trace_id');
      service.child.kill('SIGTERM');
      expect(await service.exitCode()).toBe(0);
      expect(receiver.requests).toBe(0);
    },
  );

  it('sends its spans when an error that nothing catches ends it', async () => {
    // Nothing is sent but at the end.
    const service = await start({ OTEL_BSP_SCHEDULE_DELAY: '60000' });
    await service.get('/log/last');
    await service.get('/crash').catch(() => {});
    expect(await service.exitCode()).toBe(1);
    expect(receiver.spans().map(({ name }) => name)).toContain('GET /log/:text');
  });

  it('counts what became of its spans', async () => {
    const service = await start();
    await service.get('/log/a');
    await receiver.waitFor((spans) => spans.length > 0);
    await service.get('/log/b', { traceparent: 'nonsense' });
    await receiver.waitFor((spans) => spans.length > 1);
    const { body } = await service.get('/metrics');
    const count = (state: string): number =>
      Number(new RegExp(`^sliceway_trace_spans_total\\{state="${state}",.*\\} (\\d+)$`, 'm').exec(body)?.[1]);
    expect(count('exported')).toBeGreaterThan(0);
    for (const state of ['dropped_ring', 'dropped_queue', 'dropped_export']) expect(count(state)).toBe(0);
  });
});
