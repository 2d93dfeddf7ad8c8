import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Role } from '@sliceway/local';
import { startOtlpReceiver, tinyModel, type OtlpReceiver } from '@sliceway/testing';
import {
  AttributeName,
  criticalPath,
  LinkKind,
  placeOf,
  SpanPlace,
  SpanStatus,
  tracesOf,
  type CriticalPath,
  type TraceLevel,
  type TraceSpan,
} from '@sliceway/tracing';
import { ClusterFixture } from './cluster.fixture.js';
import { until } from './until.fixture.js';

const SENT_MS = 10_000;
/** How long a span waits for others of its batch. */
const DELAY_MS = 100;
/** A request's last spans come from several processes, each with a delay of its own. */
const SETTLED_MS = 500;
/** Where a parent is missing: it was lost with its process, or its export is tried again after a second. */
const INCOMPLETE_MS = 2000;
const POLL_MS = 25;

export interface TracedOptions {
  readonly counts?: Partial<Record<Role, number>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly kvMemoryMb?: number;
}

/** What a service needs to send all of its spans here, soon. */
export function tracedEnv(receiver: OtlpReceiver): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.httpUrl,
    OTEL_BSP_SCHEDULE_DELAY: String(DELAY_MS),
    SLICEWAY_TRACE_LEVEL: '3',
  };
}

/**
 * Of each request all spans, and those of the batch steps that it was in, when no more come.
 *
 * @param role of a service that has a span for each
 */
export async function tracesWhenSettled(
  receiver: OtlpReceiver,
  rids: readonly string[],
  role = 'gateway',
): Promise<TraceSpan[][]> {
  const isThere = (rid: string): boolean =>
    receiver
      .spans()
      .some(({ name, attributes }) => name.startsWith(`${role} Req`) && attributes[AttributeName.rid] === rid);
  await until(`the spans of the ${role}`, SENT_MS, () => Promise.resolve(rids.every(isThere)));
  let traces: TraceSpan[][];
  let spans: TraceSpan[] = [];
  let sinceMs = performance.now();
  do {
    await sleep(POLL_MS);
    traces = rids.map((rid) => tracesOf(receiver.spans(), rid));
    const known = spans.length;
    spans = traces.flat();
    if (spans.length !== known) sinceMs = performance.now();
  } while (performance.now() - sinceMs < (isComplete(spans) ? SETTLED_MS : INCOMPLETE_MS));
  return traces;
}

function isComplete(spans: readonly TraceSpan[]): boolean {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.every(({ parentSpanId }) => parentSpanId === null || ids.has(parentSpanId));
}

/** A cluster with the tiny model whose spans come to this process. */
export class TracedCluster {
  private constructor(
    readonly fixture: ClusterFixture,
    readonly receiver: OtlpReceiver,
    private readonly folder: string,
  ) {}

  static async start({ counts, env, kvMemoryMb = 4 }: TracedOptions = {}): Promise<TracedCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'sliceway-traced-'));
    const receiver = await startOtlpReceiver();
    const fixture = await ClusterFixture.start({
      modelPath: tinyModel(folder),
      kvMemoryMb,
      ...(counts === undefined ? {} : { counts }),
      env: { ...tracedEnv(receiver), ...env },
    });
    return new TracedCluster(fixture, receiver, folder);
  }

  async stop(): Promise<void> {
    await this.fixture.stop();
    await this.receiver.close();
    rmSync(this.folder, { recursive: true });
  }

  get url(): string {
    return this.fixture.cluster.running('gateway')[0]!.url;
  }

  /** Of one request, when no more spans come. */
  async trace(rid: string): Promise<TraceSpan[]> {
    return (await this.traces([rid]))[0]!;
  }

  traces(rids: readonly string[]): Promise<TraceSpan[][]> {
    return tracesWhenSettled(this.receiver, rids);
  }

  /** Sets the level everywhere, as an operator does. */
  async setLevel(level: TraceLevel): Promise<{ acknowledged: object[]; missing: object[] }> {
    const response = await this.putLevel(level);
    return (await response.json()) as { acknowledged: object[]; missing: object[] };
  }

  putLevel(level: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/admin/trace-level`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ level }),
    });
  }

  /** One short completion. */
  post(headers: Record<string, string> = {}, fields: object = {}): Promise<Response> {
    return fetch(`${this.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: this.fixture.model, prompt: 'hello', max_tokens: 5, ignore_eos: true, ...fields }),
    });
  }
}

/** The slices of a trace, each name once. */
export function sliceNames(spans: readonly TraceSpan[]): string[] {
  const slices = spans.filter((span) => placeOf(span) === SpanPlace.slice);
  return [...new Set(slices.map(({ name }) => name))].sort();
}

/** The message spans of a trace, each name once. */
export function messageNames(spans: readonly TraceSpan[]): string[] {
  const messages = spans.filter((span) => placeOf(span) === SpanPlace.message);
  return [...new Set(messages.map(({ name }) => name))].sort();
}

/** Of a request span. */
export function roleOf({ name }: TraceSpan): string {
  return name.replace(/ .*/, '');
}

/** `<role>: <code>` of each request span that failed. */
export function failuresOf(spans: readonly TraceSpan[]): string[] {
  return spans
    .filter(({ name, status }) => / Req /.test(name) && status.code === SpanStatus.error)
    .map((span) => `${roleOf(span)}: ${span.status.message.replace(/:.*/, '')}`)
    .sort();
}

/** Ids of the spans that another attempt says it came after. */
export function retriedFrom(spans: readonly TraceSpan[]): string[] {
  return spans
    .flatMap(({ links }) => links)
    .filter(({ attributes }) => attributes[AttributeName.linkKind] === LinkKind.retryOf)
    .map(({ spanId }) => spanId);
}

/** @throws Error when there is no slice of the gateway's */
export function pathOf(spans: readonly TraceSpan[], rid: string): CriticalPath {
  const path = criticalPath(spans, rid);
  if (path === null) throw new Error(`no slice of the gateway for ${rid}`);
  return path;
}
