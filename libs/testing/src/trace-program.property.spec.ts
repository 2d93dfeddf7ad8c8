import {
  injectMessage,
  liveRequests,
  LinkKind,
  registerThread,
  resumeRequest,
  SliceName,
  startProcess,
  startRequest,
  startSend,
  type MessageDestination,
  type RequestTrace,
  type TraceSpan,
} from '@sliceway/tracing';
import { recordAll, recorded } from '@sliceway/tracing/testing';
import { mulberry32 } from './mulberry32.js';
import { validateTrace } from './trace-validator.js';

const PROGRAMS = 300;
const STEPS = 60;
const SEED = 7;
/** What the exporter adds to each span. */
const RESOURCE = { 'service.name': 'sliceway-gateway', 'service.instance.id': '0000000a', 'host.name': 'one' };
const OWN = ['alpha', 'beta', 'gamma', 'delta'];
// The first one is where requests run that do not say otherwise.
registerThread({ label: 'gateway' });
const ENGINE = registerThread({ label: 'engine', tpRank: 0 });

const destination = (name: string): MessageDestination => ({ name, template: name, clientId: 'one' });

type Random = () => number;
/** A trace and the names that are open on it. */
interface Visit {
  readonly trace: RequestTrace;
  readonly open: string[];
}

const pick = <T>(random: Random, of: readonly T[]): T => of[Math.floor(random() * of.length)]!;

/** One random thing that a service may do, well or badly. */
function step(random: Random, visits: Visit[]): void {
  const visit = pick(random, visits);
  const { trace, open } = visit;
  const name = pick(random, OWN);
  const level = pick(random, [1, 2, 3] as const);
  const actions: (() => void)[] = [
    () => {
      open.push(name);
      trace.sliceStart(name, { level });
    },
    () => trace.sliceEnd(open.pop() ?? name, { attributes: { step: name } }),
    // Under another name, or with nothing open.
    () => {
      open.pop();
      trace.sliceEnd(pick(random, OWN), random() < 0.3 ? { autoNext: true } : {});
    },
    () => trace.event(name, { at: 1 }),
    () => trace.setSliceAttributes({ size: random() }),
    () => trace.setRequestAttributes({ size: random() }),
    () => {
      const carrier = new Map<string, string>();
      trace.inject(carrier);
      if (visits.length < 6)
        visits.push({ trace: resumeRequest(carrier, { rid: RID, role: 'decode', thread: ENGINE }), open: [] });
    },
    () => {
      if (visits.length < 6) visits.push({ trace: trace.visit({ thread: ENGINE, choice: visits.length }), open: [] });
    },
    () => {
      const to = trace.current();
      if (to !== null) trace.link(LinkKind.previous, to);
    },
    () => {
      if (random() < 0.2) trace.sliceEnd(open.pop() ?? name, { threadFinish: true });
    },
    () => {
      if (random() < 0.1) trace.retry({ bootstrapRoom: 'f'.repeat(16), reason: 'worker_lost' });
    },
    () => {
      const sent = startSend(trace, name, destination);
      const to = pick(random, visits).trace;
      const carrier = new Map<string, string>();
      if (sent === null) return;
      injectMessage(carrier, sent);
      const processed = startProcess(to, carrier, name, destination);
      // What handles it may be what ends the trace.
      if (random() < 0.1) to.abort('gone');
      processed?.end();
      sent.end(random() < 0.1 ? 'not sent' : undefined);
    },
    () => {
      if (random() < 0.1) trace.abort('gone');
    },
  ];
  pick(random, actions)();
}

const RID = 'ab'.repeat(16);

/** What holds of any program, whatever it does. */
function faultsOf(spans: readonly TraceSpan[]): string[] {
  const faults: string[] = [];
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  if (byId.size !== spans.length) faults.push('an id was used twice');
  if (new Set(spans.map(({ traceId }) => traceId)).size !== 1) faults.push('more than one trace');
  for (const { name, parentSpanId, startNs, endNs, links, events } of spans) {
    if (parentSpanId !== null && !byId.has(parentSpanId)) faults.push(`${name} has no parent`);
    if (parentSpanId === null && !name.startsWith('Bootstrap Room')) faults.push(`${name} is a root`);
    if (endNs < startNs) faults.push(`${name} ends before it begins`);
    for (const link of links) if (!byId.has(link.spanId)) faults.push(`a link of ${name} leads nowhere`);
    for (const { timeNs } of events)
      if (timeNs < startNs || timeNs > endNs) faults.push(`an event is outside of ${name}`);
  }
  return faults;
}

describe('random programs', () => {
  it(`${PROGRAMS} of them leave whole trees, whatever they do, and nothing open`, () => {
    recordAll();
    recorded();
    const random = mulberry32(SEED);
    for (let program = 0; program < PROGRAMS; program++) {
      const visits: Visit[] = [
        { trace: startRequest({ rid: RID, role: 'gateway', bootstrapRoom: 'a'.repeat(16) }), open: [] },
      ];
      const [first] = visits;
      for (let i = 0; i < STEPS; i++) step(random, visits);
      // Others end before the request does, as they do in a cluster.
      for (const { trace } of visits.slice(1).reverse()) trace.finish();
      first!.trace.finish();
      expect(faultsOf(recorded())).toEqual([]);
      expect(liveRequests()).toBe(0);
    }
  });

  it('that keep to the rules are valid traces', () => {
    recordAll();
    const random = mulberry32(SEED + 1);
    for (let program = 0; program < PROGRAMS; program++) {
      recorded();
      const trace = startRequest({ rid: RID, role: 'gateway', bootstrapRoom: 'a'.repeat(16), ts: 1000 });
      trace.setRequestAttributes({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'm' });
      let ts = 1000;
      const slices = [SliceName.receive, SliceName.admission, SliceName.tokenizeWait].slice(
        0,
        1 + Math.floor(random() * 3),
      );
      for (const name of slices) {
        trace.sliceStart(name, { ts });
        ts += 1 + Math.floor(random() * 1000);
        trace.sliceEnd(name, { ts });
      }
      if (random() < 0.3) trace.abort('queue_full', { ts });
      else trace.finish({ ts });
      const spans = recorded().map((span) => ({ ...span, resource: RESOURCE }));
      expect(validateTrace(spans)).toEqual([]);
    }
  });
});
