import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startJaeger, type Jaeger } from '@sliceway/local';
import { startOtlpReceiver, tinyModel, type OtlpReceiver } from '@sliceway/testing';
import { readJaegerTrace, readOtlpJson, SliceName, type TraceSpan } from '@sliceway/tracing';
import { ClusterFixture } from './cluster.fixture.js';
import { CollectorFixture } from './collector.fixture.js';
import { outline } from './span-outline.fixture.js';
import { collectorBinary, jaegerBinary } from './tools.fixture.js';
import { until } from './until.fixture.js';

const binaries = { jaeger: jaegerBinary(), collector: collectorBinary() };
const describeWithTools = binaries.jaeger !== null && binaries.collector !== null ? describe : describe.skip;

const TIMEOUT_MS = 20_000;
/** Each service sends what it has within half a second, the collector within a fifth of one. */
const SETTLED_MS = 1500;
const ROLES = ['gateway', 'tokenizer', 'prefill', 'decode'];

describeWithTools('a real Jaeger behind a real Collector', () => {
  let folder: string;
  let jaeger: Jaeger;
  let witness: OtlpReceiver;
  let collector: CollectorFixture;
  let fixture: ClusterFixture | null = null;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sliceway-jaeger-'));
    witness = await startOtlpReceiver();
    jaeger = await startJaeger({ source: { binary: binaries.jaeger! }, logFile: join(folder, 'jaeger.log') });
    collector = await CollectorFixture.start({
      binary: binaries.collector!,
      folder,
      jaeger: new URL(jaeger.grpcEndpoint).host,
      witness: witness.httpUrl,
    });
  });
  afterEach(async () => {
    await fixture?.stop();
    fixture = null;
  });
  afterAll(async () => {
    await collector?.stop();
    await jaeger?.stop();
    await witness?.close();
    rmSync(folder, { recursive: true });
  });

  /** The spans of a trace once no more of them come. */
  async function settled(traceId: () => string | undefined): Promise<TraceSpan[]> {
    const spans = (): TraceSpan[] => witness.spans().filter((span) => span.traceId === traceId());
    let count = -1;
    let changedMs = performance.now();
    await until('the trace is complete', TIMEOUT_MS, async () => {
      if (spans().length !== count) changedMs = performance.now();
      count = spans().length;
      return count > 0 && performance.now() - changedMs > SETTLED_MS;
    });
    return spans();
  }

  async function fromJaeger(traceId: string, count: number): Promise<TraceSpan[]> {
    let spans: TraceSpan[] = [];
    await until(`Jaeger has ${count} spans of ${traceId}`, TIMEOUT_MS, async () => {
      const response = await fetch(`${jaeger.url}/api/traces/${traceId}`);
      if (response.ok) spans = readJaegerTrace(await response.json());
      return spans.length >= count;
    });
    return spans;
  }

  it.each(['grpc', 'http/protobuf'])('shows the tree and the links that were sent over %s', async (protocol) => {
    const endpoint = protocol === 'grpc' ? collector.grpcEndpoint : collector.httpEndpoint;
    fixture = await ClusterFixture.start({
      modelPath: tinyModel(folder),
      kvMemoryMb: 1,
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
        SLICEWAY_TRACE_LEVEL: '3',
      },
    });
    const answer = await fixture.chat({ content: 'hello jaeger', max_tokens: 5 });
    expect(answer).toMatchObject({ status: 200, isDone: true });

    const sent = await settled(
      () => witness.spans().find(({ attributes }) => attributes['rid'] === answer.rid)?.traceId,
    );
    const [{ traceId }] = sent as [TraceSpan];
    const names = new Set(sent.map(({ name }) => name));
    for (const role of ROLES) expect(names).toContain(`${role} Req ${answer.rid.slice(0, 8)}`);
    for (const name of [SliceName.receive, SliceName.prefillTransferKvCache, SliceName.decodeLoop]) {
      expect(names).toContain(name);
    }
    expect(sent.flatMap(({ links }) => links).length).toBeGreaterThan(10);

    expect(outline(await fromJaeger(traceId, sent.length))).toEqual(outline(sent));
    const filed = readOtlpJson(readFileSync(collector.file, 'utf8')).filter((span) => span.traceId === traceId);
    expect(outline(filed)).toEqual(outline(sent));
    const linked = sent.flatMap(({ links }) => links.map((link) => link.attributes['link.kind']));
    expect(new Set(linked)).toEqual(new Set(['prev', 'kv', 'batch', 'message']));
  });
});
