import type { TraceSpan } from '../trace-span.js';
import { criticalPath, type CriticalPath } from './critical-path.js';
import { SAMPLE_RID, type SampleOptions, sampleTrace } from './sample-trace.fixture.js';
import { isHop, type Segment } from './segment.js';

const US = 1000n;
const MS = 1_000_000n;

function pathOf(spans: readonly TraceSpan[], rid?: string): CriticalPath {
  const path = criticalPath(spans, rid);
  if (path === null) throw new Error('no path');
  return path;
}

const names = (segments: readonly Segment[]): string[] => segments.map(({ name }) => name);
const sum = (segments: readonly Segment[]): bigint =>
  segments.reduce((all, { startNs, endNs }) => all + endNs - startNs, 0n);
const named = (spans: readonly TraceSpan[], name: string): TraceSpan => spans.find((span) => span.name === name)!;
const lengthOf = (segments: readonly Segment[], name: string): bigint =>
  sum(segments.filter((each) => each.name === name));

function without(spans: readonly TraceSpan[], ...services: string[]): TraceSpan[] {
  return spans.filter(({ resource }) => !services.includes(String(resource['service.name'])));
}

/** What must hold of every path, whatever the trace is like. */
function check(path: CriticalPath, spans: readonly TraceSpan[]): void {
  expect(sum(path.e2e)).toBe(path.e2eNs);
  expect(sum(path.ttft)).toBe(path.ttftNs ?? 0n);
  expect(path.e2e.slice(0, path.ttft.length)).toEqual(path.ttft);
  path.e2e.forEach((segment, i) => {
    expect(segment.endNs).toBeGreaterThan(segment.startNs);
    if (i > 0) expect(segment.startNs).toBe(path.e2e[i - 1]!.endNs);
  });
  const receive = named(spans, 'receive');
  const streams = spans.filter(({ name }) => name === 'stream');
  expect(path.e2e[0]!.startNs).toBe(receive.startNs);
  if (streams.length > 0) expect(path.e2e.at(-1)!.endNs).toBe(streams.at(-1)!.endNs);
  if (path.ttftNs !== null) expect(receive.startNs + path.ttftNs).toBe(streams[0]!.startNs);
}

describe('the critical path', () => {
  it('goes through the services that the gateway waited for', () => {
    const spans = sampleTrace();
    const path = pathOf(spans);
    check(path, spans);
    expect(names(path.ttft)).toEqual([
      'receive',
      'admission',
      'hop:gateway>tokenizer',
      'tokenize',
      'api_server_dispatch',
      'hop:tokenizer>gateway',
      'route',
      'dispatch',
      // Both legs arrived while the gateway was dispatching: prefill waits for decode's pages from here on.
      'prefill_prepare',
      'decode_prepare',
      'hop:decode>prefill',
      'prefill_waiting',
      'prefill_forward',
      'hop:prefill>tokenizer',
      'detokenize',
      'hop:tokenizer>gateway',
    ]);
    expect(names(path.e2e.slice(path.ttft.length))).toEqual([
      'prefill_transfer_kv_cache',
      'decode_waiting',
      'decode_forward',
      'hop:decode>tokenizer',
      'detokenize',
      'hop:tokenizer>gateway',
      'stream',
    ]);
    expect([path.ttftUnattributedNs, path.unattributedNs]).toEqual([0n, 0n]);
    expect(lengthOf(path.e2e, 'decode_forward')).toBe(240n * MS);
    expect(lengthOf(path.e2e, 'stream')).toBe(350n * US);
    expect(lengthOf(path.ttft, 'detokenize')).toBe(220n * US);
    expect(path.e2e.find(({ name }) => name === 'prefill_forward')).toMatchObject({
      service: 'prefill',
      thread: 'engine',
    });
  });

  it('finds a request among others by its rid or the beginning of that', () => {
    const other = sampleTrace({ duration: () => 1n }).map((span) => ({
      ...span,
      traceId: 'e'.repeat(32),
      attributes: { ...span.attributes, ...('rid' in span.attributes ? { rid: 'other' } : {}) },
    }));
    const spans = [...other, ...sampleTrace()];
    expect(pathOf(spans, SAMPLE_RID)).toEqual(pathOf(sampleTrace()));
    expect(pathOf(spans, SAMPLE_RID.slice(0, 6)).rid).toBe(SAMPLE_RID);
    expect(pathOf(spans, 'oth').rid).toBe('other');
    expect(criticalPath(spans, 'nobody')).toBeNull();
    expect(criticalPath([])).toBeNull();
  });

  it.each([1, 3] as const)('at level %d is the same', (level) => {
    const shape = ({ ttft, e2e }: CriticalPath) =>
      [ttft, e2e].map((path) => path.map(({ name, startNs, endNs }) => [name, endNs - startNs]));
    expect(shape(pathOf(sampleTrace({ level })))).toEqual(shape(pathOf(sampleTrace())));
  });

  it('takes what level 1 leaves out from its neighbours, without an id', () => {
    const { e2e } = pathOf(sampleTrace({ level: 1 }));
    expect(e2e.filter(({ spanId }) => spanId === undefined && true).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['api_server_dispatch', 'dispatch']),
    );
  });

  it('does not guess at level 2 where a slice was lost', () => {
    const path = pathOf(sampleTrace().filter(({ name }) => name !== 'dispatch'));
    expect(names(path.e2e)).toContain('unattributed');
    expect(path.unattributedNs).toBe(240n * US);
  });

  it('with several choices follows the one that ended last', () => {
    let visits = 0;
    const duration = (part: string) =>
      part === 'decode_forward' ? BigInt(++visits === 2 ? 300 : 100) * MS : undefined!;
    const spans = sampleTrace({ choices: 3, duration });
    const path = pathOf(spans);
    check(path, spans);
    const forward = path.e2e.filter(({ name }) => name === 'decode_forward');
    expect(forward).toHaveLength(1);
    expect(sum(forward)).toBe(300n * MS);
    expect(path.unattributedNs).toBe(0n);
  });

  it('ends with the first token where that is the last', () => {
    const spans = sampleTrace({ quick: true });
    const path = pathOf(spans);
    check(path, spans);
    expect(names(path.e2e)).not.toContain('decode_forward');
    expect(names(path.e2e).at(-1)).toBe('stream');
    expect(path.unattributedNs).toBe(0n);
  });

  it('goes over a retry', () => {
    const spans = sampleTrace({ retry: true });
    const path = pathOf(spans);
    check(path, spans);
    const decodes = path.e2e.filter(({ name }) => name === 'decode_forward');
    expect(decodes).toHaveLength(1);
    expect(names(path.ttft).filter((name) => name === 'tokenize')).toHaveLength(2);
    // Nothing is known of what the killed worker did.
    expect(path.ttftUnattributedNs).toBeGreaterThan(30n * MS);
    expect(path.ttftUnattributedNs).toBe(path.unattributedNs);
  });

  it('of a request that ended without a token has no TTFT', () => {
    const spans = sampleTrace().filter(({ name }) => name !== 'stream');
    const path = pathOf(spans);
    expect(path).toMatchObject({ ttft: [], ttftNs: null, ttftUnattributedNs: 0n });
    check(path, spans);
  });

  it.each([
    ['prefill', ['prefill_', 'hop:prefill']],
    ['decode', ['decode_', 'hop:decode', 'hop:gateway>decode']],
    ['tokenizer', ['tokenize', 'hop:gateway>tokenizer']],
  ])('without the spans of %s has them unattributed, not as hops', (service, gone) => {
    const spans = without(sampleTrace(), `sliceway-${service}`);
    const path = pathOf(spans);
    check(path, spans);
    for (const name of names(path.e2e)) for (const start of gone) expect(name.startsWith(start)).toBe(false);
    expect(path.unattributedNs).toBeGreaterThan(MS);
  });

  it('keeps the slices of a killed worker whose thread never ended', () => {
    const all = sampleTrace();
    const spans = all.filter(
      ({ name, resource }) => !(resource['service.name'] === 'sliceway-prefill' && /Req|host:/.test(name)),
    );
    expect(names(pathOf(spans).e2e)).toEqual(names(pathOf(all).e2e));
  });

  it('knows a message that was long on its way from one that nobody took', () => {
    const late = (ms: bigint) => (part: string) => (part === 'hop:decode>tokenizer' ? ms * MS : undefined);
    const hops = { gateway: 'a', tokenizer: 'b', prefill: 'c', decode: 'd' };
    expect(lengthOf(pathOf(sampleTrace({ duration: late(5n) })).e2e, 'hop:decode>tokenizer')).toBe(5n * MS);
    expect(pathOf(sampleTrace({ duration: late(6n) })).unattributedNs).toBe(6n * MS);
    expect(pathOf(sampleTrace({ duration: late(6n), hosts: hops })).unattributedNs).toBe(0n);
  });

  it.each([-2n, 2n])('has no negative hop where a clock is %d ms off', (ms) => {
    for (const role of ['tokenizer', 'prefill', 'decode']) {
      const spans = sampleTrace({ skewNs: { [role]: ms * MS } });
      check(pathOf(spans), spans);
    }
  });
});

/** Uniform in [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}

it('random pipelines add up to the nanosecond', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = randomNumbers(seed);
    const upTo = (max: number): bigint => BigInt(Math.floor(random() * max));
    const isShort = random() < 0.2;
    const options: SampleOptions = {
      level: (1 + Number(upTo(3))) as 1 | 2 | 3,
      choices: 1 + Number(upTo(4)),
      retry: random() < 0.2,
      aborted: random() < 0.2,
      quick: random() < 0.2,
      duration: (part) => upTo(part.startsWith('hop:') ? 4_000_000 : isShort ? 3 : 50_000_000),
    };
    const spans = sampleTrace(options);
    const path = pathOf(spans);
    check(path, spans);
    // Within the bound of a hop all that a valid pipeline does is explained.
    if (!options.retry) expect({ seed, unattributedNs: path.unattributedNs }).toEqual({ seed, unattributedNs: 0n });
    const skewed = sampleTrace({
      ...options,
      skewNs: { prefill: upTo(9_000_000) - 4_500_000n, decode: upTo(9_000_000) },
    });
    check(pathOf(skewed), skewed);
    const some = spans.filter(({ name }) => name === 'receive' || name.startsWith('gateway Req') || random() < 0.8);
    const partial = pathOf(some);
    expect(sum(partial.e2e)).toBe(partial.e2eNs);
    expect(partial.e2e.filter(isHop).every(({ startNs, endNs }) => endNs - startNs <= 5n * MS)).toBe(true);
  }
});
