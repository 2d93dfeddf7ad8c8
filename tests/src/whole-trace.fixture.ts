import assert from 'node:assert/strict';
import { ROLES } from '@sliceway/protocol';
import { validateTrace } from '@sliceway/testing';
import { readJaegerTrace, readOtlpJson, type TraceSpan } from '@sliceway/tracing';
import { outline } from './span-outline.fixture.js';
import { until } from './until.fixture.js';

const TIMEOUT_MS = 60_000;

export interface TraceSources {
  /** Lines of OTLP JSON: what the collector filed. */
  readonly file: () => Promise<string>;
  /** Base address of Jaeger's API. */
  readonly jaeger: string;
}

/**
 * Waits until a request's trace is whole in the collector's file, and the same in Jaeger, which keeps neither nanoseconds nor what
 * links say of themselves; and that all four services are in it.
 *
 * @returns how many spans it has
 * @throws Error with the trace's faults
 */
export async function expectWholeTrace(rid: string, { file, jaeger }: TraceSources): Promise<number> {
  let spans: TraceSpan[] = [];
  let faults: readonly { rule: string; message: string }[] = [];
  await until('the trace is whole', TIMEOUT_MS, async () => {
    const all = readOtlpJson(await file());
    const traceId = all.find(({ attributes }) => attributes['rid'] === rid)?.traceId;
    spans = all.filter((span) => span.traceId === traceId);
    faults = traceId === undefined ? [{ rule: 'found', message: 'no span has its rid' }] : validateTrace(spans);
    return faults.length === 0;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}:\n${faults.map(({ rule, message }) => `${rule}: ${message}`).join('\n')}`);
  });
  let shown: TraceSpan[] = [];
  await until('Jaeger has all of its spans', TIMEOUT_MS, async () => {
    const response = await fetch(`${jaeger}/api/traces/${spans[0]!.traceId}`);
    if (response.ok) shown = readJaegerTrace(await response.json());
    return shown.length >= spans.length;
  });
  assert.deepEqual(outline(shown), outline(spans));
  const requests = spans.map(({ name }) => name).filter((name) => / Req [0-9a-f]{8}$/.test(name));
  assert.deepEqual(requests.sort(), ROLES.map((role) => `${role} Req ${rid.slice(0, 8)}`).sort());
  return spans.length;
}
