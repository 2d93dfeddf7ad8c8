import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import {
  liveRequests,
  placeOf,
  recordCarrier,
  registerThread,
  type RequestTrace,
  roleOfRequest,
  SliceName,
  SpanPlace,
  SpanTree,
  startRequest,
  type TraceLevel,
  type TraceSpan,
} from '@sliceway/tracing';
import { control, recordAll, recorded } from '@sliceway/tracing/testing';
import { mulberry32 } from './mulberry32.js';
import { type TraceFault, TraceRule } from './trace-fault.js';
import { OWN, RID, TraceProgram } from './trace-program.fixture.js';
import type { WorkerAnswer, WorkerTask } from './trace-program-worker.fixture.js';
import { validateTrace } from './trace-validator.js';

const PROGRAMS = 300;
const STEPS = 60;
const SEED = 7;
const THREADED_PROGRAMS = 60;
const THREADED_STEPS = 40;
const WORKERS = 3;
const LEVELS = [1, 2, 3] as const;
const thread = registerThread({ label: 'gateway' });

/** What the exporter adds to each span: every service is a process of its own. */
function exported(spans: readonly TraceSpan[]): TraceSpan[] {
  const tree = new SpanTree(spans);
  const serviceOf = (span: TraceSpan): string => {
    if (placeOf(span) === SpanPlace.request) return roleOfRequest(span)!;
    const parent = tree.parentOf(span);
    return parent === undefined ? 'gateway' : serviceOf(parent);
  };
  return spans.map((span) => {
    const service = serviceOf(span);
    const resource = { 'service.name': `sliceway-${service}`, 'service.instance.id': service, 'host.name': 'one' };
    return { ...span, resource };
  });
}

/** Faults of any program but silence: of that it has as much as it likes. */
function faultsOf(spans: readonly TraceSpan[], level: TraceLevel): TraceFault[] {
  const faults = validateTrace(exported(spans), {
    level,
    roles: [],
    ownNames: [...OWN, 'anonymous', SliceName.receive],
  });
  return faults.filter(({ rule, message }) => rule !== TraceRule.tiling || !message.endsWith('are silent'));
}

/** A request that has had its first slice, so that all others link to one. */
function begin(level: TraceLevel): RequestTrace {
  const trace = startRequest({ rid: RID, role: 'gateway', bootstrapRoom: 'a'.repeat(16), level, thread });
  trace.setRequestAttributes({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' });
  trace.sliceStart(SliceName.receive);
  trace.sliceEnd(SliceName.receive);
  return trace;
}

const missing = (begun: Iterable<string>, spans: readonly TraceSpan[]): string[] => {
  const there = new Set(spans.map(({ spanId }) => spanId));
  return [...begun].filter((id) => !there.has(id));
};

beforeEach(() => {
  recordAll();
  recorded();
});
afterEach(() => {
  control.enabled = false;
});

describe('random programs', () => {
  it.each(LEVELS)(`${PROGRAMS} of them leave valid traces at level %d, whatever they do, and nothing open`, (level) => {
    for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
      const program = new TraceProgram(begin(level), { seed, mayAbort: true, mayRetry: true });
      program.run(STEPS);
      program.finish();
      const spans = recorded();
      expect({ seed, faults: faultsOf(spans, level), missing: missing(program.begun, spans) }).toEqual({
        seed,
        faults: [],
        missing: [],
      });
      expect(liveRequests()).toBe(0);
    }
  });

  it.each(LEVELS)('on several threads at once leave one valid trace at level %d', async (level) => {
    const url = new URL('./trace-program-worker.fixture.js', import.meta.url);
    const workers = Array.from({ length: WORKERS }, (_, rank) => new Worker(url, { workerData: rank }));
    try {
      for (let seed = SEED; seed < SEED + THREADED_PROGRAMS; seed++) {
        const trace = begin(level);
        const headers: Record<string, string> = {};
        trace.inject(recordCarrier(headers));
        const answers = workers.map(async (worker, rank) => {
          worker.postMessage({ headers, seed: seed * WORKERS + rank, steps: THREADED_STEPS } satisfies WorkerTask);
          return ((await once(worker, 'message')) as [WorkerAnswer])[0];
        });
        const program = new TraceProgram(trace, { seed, mayAbort: false });
        program.run(THREADED_STEPS);
        const others = await Promise.all(answers);
        if (seed % 2 === 0) program.abort();
        else program.finish();
        const spans = [...recorded(), ...others.flatMap((answer) => answer.spans)];
        const begun = [...program.begun, ...others.flatMap((answer) => answer.begun)];
        expect({ seed, faults: faultsOf(spans, level), missing: missing(begun, spans) }).toEqual({
          seed,
          faults: [],
          missing: [],
        });
        const ranks = spans.filter((span) => placeOf(span) === SpanPlace.thread && span.name.startsWith('worker '));
        expect(new Set(ranks.map(({ attributes }) => attributes['tp_rank'])).size).toBe(WORKERS);
      }
    } finally {
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });

  it('that keep to the rules are valid traces, silence included', () => {
    const random = mulberry32(SEED);
    for (let program = 0; program < PROGRAMS; program++) {
      let ts = 1000;
      const later = (): number => (ts += Math.floor(random() * 1000));
      const trace = startRequest({ rid: RID, role: 'gateway', bootstrapRoom: 'a'.repeat(16), ts, thread });
      trace.setRequestAttributes({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' });
      trace.sliceStart(SliceName.receive, { ts });
      trace.sliceEnd(SliceName.receive, { ts: later(), autoNext: true });
      trace.slice(OWN[0], ts, later());
      // Whatever it turns out to have been.
      trace.sliceEnd(random() < 0.5 ? SliceName.admission : OWN[1], { ts: later() });
      trace.slice(SliceName.tokenizeWait, ts, later());
      if (random() < 0.3) trace.abort('queue_full', { ts });
      else trace.finish({ ts });
      expect(validateTrace(exported(recorded()), { roles: [], ownNames: OWN })).toEqual([]);
    }
  });
});
