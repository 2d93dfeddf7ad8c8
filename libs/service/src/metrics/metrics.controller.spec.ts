import 'reflect-metadata';
import { Controller, Get, Headers, Inject, Module } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FailureCode, Role, WorkerState } from '@sliceway/protocol';
import { recordCarrier, SliceName, startRequest } from '@sliceway/tracing';
import { recordAll } from '@sliceway/tracing/testing';
import { ServiceStatus } from '../service-status.js';
import { METRICS } from '../tokens.js';
import { ExemplarHistogram } from './exemplar-histogram.js';
import { MetricsController } from './metrics.controller.js';
import { createMetrics, type MetricsRegistry } from './metrics.js';

const TRACE = 'c0de'.repeat(8);
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
/** As Prometheus 2 and 3 send them. */
const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.1';

const stats = { exported: 5, droppedRing: 1, droppedQueue: 2, droppedExport: 3, malformedContexts: 4 };
const status = new ServiceStatus(Role.gateway);
const failures = { counts: new Map([[FailureCode.kvTimeout, 2]]) };
let natsFault: string | undefined;
const nats = { reason: () => natsFault };
const registry = createMetrics(status, { counts: [] }, failures, { stats: () => stats }, nats);
const histogram = new ExemplarHistogram(registry, 'sliceway_work_seconds', 'Work.', [0.1, 1]);

/** A request that takes half a second, so to speak. */
@Controller('work')
class WorkController {
  constructor(@Inject(METRICS) readonly registry: MetricsRegistry) {}

  @Get()
  work(@Headers() headers: Record<string, string>): string {
    const trace = startRequest({ rid: 'a', role: 'gateway', parent: recordCarrier(headers) });
    trace.sliceStart(SliceName.receive);
    histogram.observe(0.5, trace);
    const span = trace.current()?.spanId ?? '';
    trace.finish();
    return span;
  }
}

@Module({
  controllers: [MetricsController, WorkController],
  providers: [
    { provide: METRICS, useValue: registry },
    { provide: ServiceStatus, useValue: status },
  ],
})
class TestModule {}

/** Metrics by family: OpenMetrics has all samples of one between its `# TYPE` and the next. */
function parse(body: string): Map<string, { type: string; samples: string[] }> {
  const families = new Map<string, { type: string; samples: string[] }>();
  let samples: string[] = [];
  for (const line of body.split('\n')) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) families.set(name, { type: type!, samples: (samples = []) });
    else if (line !== '' && !line.startsWith('#')) samples.push(line);
  }
  return families;
}

describe('/metrics', () => {
  let app: INestApplication;
  let url: string;
  const scrape = async (accept?: string) => {
    const response = await fetch(`${url}/metrics`, { headers: accept === undefined ? {} : { accept } });
    return { type: response.headers.get('content-type'), body: await response.text() };
  };
  const work = async (traceparent: string): Promise<string> =>
    (await fetch(`${url}/work`, { headers: { traceparent } })).text();

  beforeAll(async () => {
    recordAll();
    app = await NestFactory.create(TestModule, { logger: false });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(() => app.close());

  it.each([
    [undefined, TEXT],
    ['*/*', TEXT],
    ['text/plain', TEXT],
    ['text/plain, application/openmetrics-text;q=0.5', TEXT],
    ['application/openmetrics-text;q=0', TEXT],
    ['text/html', TEXT],
    ['application/openmetrics-text', OPEN_METRICS],
    ['Application/OpenMetrics-Text; Version=1.0.0; Q=0.1', OPEN_METRICS],
    [PROMETHEUS_2, OPEN_METRICS],
    [PROMETHEUS_3, OPEN_METRICS],
  ])('accepting %p comes as %s', async (accept, type) => {
    expect((await scrape(accept)).type).toBe(type);
  });

  it('shows the trace of a request, in OpenMetrics only', async () => {
    await work(`00-${'d'.repeat(32)}-${'ab'.repeat(8)}-00`);
    expect((await scrape(OPEN_METRICS)).body).not.toContain(' # {');
    const span = await work(`00-${TRACE}-${'ab'.repeat(8)}-01`);
    expect(span).toMatch(/^[0-9a-f]{16}$/);

    const open = (await scrape(OPEN_METRICS)).body;
    expect(open.endsWith('\n# EOF\n')).toBe(true);
    expect(open.match(/# EOF/g)).toHaveLength(1);
    const exemplars = open.split('\n').filter((line) => line.includes(' # {'));
    expect(exemplars).toHaveLength(1);
    const pattern =
      /^sliceway_work_seconds_bucket\{le="1",role="gateway",instance="[0-9a-f]{8}"\} 2 # \{(.*)\} 0\.5 (\d+(?:\.\d+)?)$/;
    const [, labels, seconds] = pattern.exec(exemplars[0]!)!;
    expect(labels).toBe(`trace_id="${TRACE}",span_id="${span}"`);
    expect(Math.abs(Number(seconds) - Date.now() / 1000)).toBeLessThan(60);

    const text = (await scrape()).body;
    expect(text).toContain('sliceway_work_seconds_bucket{le="1",role="gateway"');
    expect(text).not.toContain(' # {');
    expect(text).not.toContain('# EOF');
  });

  it('has the same in both formats, whichever is asked for first, and at once', async () => {
    const answers = await Promise.all([OPEN_METRICS, TEXT, OPEN_METRICS, TEXT].map((accept) => scrape(accept)));
    const names = ({ body }: { body: string }): string[] => {
      const samples = [...parse(body).values()].flatMap((family) =>
        family.samples.map((line) => line.split(/[{ ]/)[0]!),
      );
      // Those of what is active now come and go.
      return [...new Set(samples)].filter((name) => !/^nodejs_active_(resources|handles|requests)$/.test(name));
    };
    for (const answer of answers) expect(names(answer)).toEqual(names(answers[0]!));
    expect(names(answers[0]!)).toContain('sliceway_trace_spans_total');
    const [open, text] = answers.map(({ body }) => parse(body));
    // What a counter is called is where the formats differ.
    expect(open!.get('sliceway_trace_spans')?.type).toBe('counter');
    expect(text!.get('sliceway_trace_spans_total')?.type).toBe('counter');
    for (const name of text!.keys()) expect(name).not.toMatch(/_total_total$/);
  });

  it('says whether it is ready and connected', async () => {
    const flags = async (): Promise<(string | undefined)[]> => {
      const { body } = await scrape();
      return ['ready', 'nats_connected'].map((name) => new RegExp(`^sliceway_${name}{.*} (.)$`, 'm').exec(body)?.[1]);
    };
    expect(await flags()).toEqual(['0', '1']);
    status.become(WorkerState.ready);
    expect(await flags()).toEqual(['1', '1']);
    natsFault = 'no connection';
    expect(await flags()).toEqual(['1', '0']);
    status.addReadinessCheck(() => 'no worker');
    expect(await flags()).toEqual(['0', '0']);
  });

  it('has every code of a failure, also those that have not come', async () => {
    const { body } = await scrape();
    const counts = [...body.matchAll(/^sliceway_failed_attempts_total\{code="(\w+)".*\} (\d+)$/gm)];
    expect(counts.map(([, code]) => code)).toEqual(Object.values(FailureCode));
    expect(counts.filter(([, , count]) => count !== '0').map(([, code, count]) => [code, count])).toEqual([
      [FailureCode.kvTimeout, '2'],
    ]);
  });

  it('says what tracing loses', async () => {
    const { body } = await scrape();
    const states = [...body.matchAll(/^sliceway_trace_spans_total\{state="(\w+)",role="gateway",.*\} (\d+)$/gm)];
    expect(states.map(([, state, count]) => [state, Number(count)])).toEqual([
      ['exported', 5],
      ['dropped_ring', 1],
      ['dropped_queue', 2],
      ['dropped_export', 3],
    ]);
    expect(body).toMatch(/^sliceway_trace_contexts_malformed_total\{role="gateway",.*\} 4$/m);
  });
});
