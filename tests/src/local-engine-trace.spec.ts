import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LocalEngine } from '@sliceway/engine';
import { tinyModel, validateTrace } from '@sliceway/testing';
import { SpanStatus, TraceLevel, type TraceSpan } from '@sliceway/tracing';
import { EngineTracer, traceGenerate } from '@sliceway/tracing/engine';
import { named, recorded, recordInEach, threadsOf } from '@sliceway/tracing/testing';

const RID = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const HEADERS = new Map([['traceparent', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`]]);
/** That of the process, which only an export adds. */
const RESOURCE = { 'service.name': 'local', 'service.instance.id': '1', 'host.name': 'here' };
const PROMPT = { ids: Array.from({ length: 40 }, (_, i) => i) };

describe('a LocalEngine that is traced', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sliceway-traced-'));
  const tracer = new EngineTracer();
  let engine: LocalEngine;
  beforeAll(async () => {
    engine = await LocalEngine.start({ modelPath: tinyModel(folder), backend: 'wasm', kvMemoryMb: 4, batchTokens: 32 });
    engine.engine.observer = tracer;
  });
  afterAll(async () => {
    await engine.close();
    rmSync(folder, { recursive: true });
  });
  recordInEach();

  async function generate(choices: number, leaveAfter = Infinity): Promise<TraceSpan[]> {
    const observer = traceGenerate(tracer, { rid: RID, headers: HEADERS });
    const params = { maxNewTokens: 8, ignoreEos: true, choices, temperature: 1, seed: 1, observer };
    let tokens = 0;
    for await (const _ of engine.generateTokens(PROMPT, params)) if (++tokens >= leaveAfter) break;
    return recorded();
  }

  it('has its slices under the trace that came in', async () => {
    const spans = await generate(1);
    expect(named(spans, /^Bootstrap Room/)).toMatchObject({ traceId: '1'.repeat(32), parentSpanId: '2'.repeat(16) });
    expect(named(spans, 'engine Req a1b2c3d4').attributes).toMatchObject({ rid: RID, module: 'engine' });
    expect(threadsOf(spans)).toEqual([
      { label: 'scheduler', choice: undefined, slices: ['tokenize', 'prefill_waiting'] },
      { label: 'engine', choice: undefined, slices: ['prefill_forward'] },
      { label: 'engine', choice: 0, slices: ['decode_forward'] },
    ]);
    const exported = spans.map((span) => ({ ...span, resource: RESOURCE }));
    expect(validateTrace(exported, { parent: '2'.repeat(16), level: TraceLevel.all })).toEqual([]);
    expect(named(spans, 'tokenize').attributes).toEqual({ tokens: 40 });
    expect(named(spans, 'prefill_waiting').attributes).toEqual({ queue_position: 0, tokens_ahead: 0 });
    expect(named(spans, 'prefill_forward').attributes).toEqual({ tokens: 40, cached_tokens: 0 });
    expect(named(spans, 'decode_forward').attributes).toMatchObject({ tokens: 7 });
    const count = (name: string): number => spans.filter((span) => span.name === name).length;
    expect([count('chunked_prefill'), count('decode_loop'), count('batch_step')]).toEqual([2, 7, 9]);
  });

  it('nests what the engine thread computed in the slices of the request', async () => {
    const spans = await generate(1);
    for (const nested of spans.filter(({ name }) => name === 'chunked_prefill' || name === 'decode_loop')) {
      const outer = spans.find(({ spanId }) => spanId === nested.parentSpanId)!;
      expect(nested.startNs >= outer.startNs && nested.endNs <= outer.endNs).toBe(true);
      const step = spans.find(({ spanId }) => spanId === nested.links[0]!.spanId)!;
      expect([step.name, step.endNs]).toEqual(['batch_step', nested.endNs]);
      expect(step.endNs).toBeGreaterThan(step.startNs);
    }
  });

  it('has a visit for each choice', async () => {
    const visits = threadsOf(await generate(3)).filter(({ slices }) => slices[0] === 'decode_forward');
    expect(visits.map(({ choice }) => choice).sort()).toEqual([0, 1, 2]);
  });

  it('is closed when the caller leaves, and when the engine refuses', async () => {
    const left = await generate(1, 3);
    for (const { status } of left) expect(status.code).toBe(SpanStatus.unset);
    threadsOf(left);
    await expect(generate(99)).rejects.toThrow('99 choices');
    const refused = recorded();
    expect(named(refused, 'tokenize').status).toMatchObject({ code: SpanStatus.error });
    expect(named(refused, /^engine Req/).status.message).toMatch(/^bad_message: 99 choices/);
  });

  it('gives the same tokens as one that is not', async () => {
    const tokens = async (observer: object): Promise<number[]> => {
      const all: number[] = [];
      for await (const { token } of engine.generateTokens(PROMPT, { maxNewTokens: 8, ...observer })) all.push(token);
      return all;
    };
    expect(await tokens({ observer: traceGenerate(tracer) })).toEqual(await tokens({}));
  });
});
