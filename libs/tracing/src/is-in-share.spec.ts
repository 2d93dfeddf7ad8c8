import { randomBytes } from 'node:crypto';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import { recordCarrier } from './context-carrier.js';
import { isInShare } from './is-in-share.js';
import { control, recordAll, recorded } from './recording/recording.fixture.js';
import { startRequest } from './requests.js';
import { ReceivedContext } from './trace-context.js';

const contextOf = (traceId: string, flags: string): Record<string, string> => ({
  traceparent: `00-${traceId}-00f067aa0ba902b7-${flags}`,
});

it.each([0, 1e-9, 0.25, 0.5, 1])('a share of %d is that of OpenTelemetry', (ratio) => {
  const sampler = new TraceIdRatioBasedSampler(ratio);
  const received = new ReceivedContext();
  for (let i = 0; i < 500; i++) {
    const traceId = randomBytes(16).toString('hex');
    received.read(recordCarrier(contextOf(traceId, i % 2 === 0 ? '01' : '00')));
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId);
    expect(isInShare(received.ids, ratio)).toBe(decision === SamplingDecision.RECORD_AND_SAMPLED);
  }
});

it('a trace that begins here is one of the share by its id', () => {
  recordAll();
  control.ratio = 0.25;
  const sampler = new TraceIdRatioBasedSampler(control.ratio);
  for (let i = 0; i < 400; i++) startRequest({ rid: 'r', role: 'gateway' }).finish();
  control.ratio = 1;
  const traceIds = new Set(recorded().map(({ traceId }) => traceId));
  expect(Math.abs(traceIds.size - 100)).toBeLessThan(50);
  for (const traceId of traceIds) {
    expect(sampler.shouldSample(ROOT_CONTEXT, traceId).decision).toBe(SamplingDecision.RECORD_AND_SAMPLED);
  }
});

describe('a request whose trace began elsewhere', () => {
  beforeEach(() => recordAll());
  afterEach(() => {
    control.ignoresParent = false;
    control.ratio = 1;
  });

  const traceId = 'ab'.repeat(16);

  /** How many spans there are of it, and the flags that it hands on. */
  function start(flags: string): [spans: number, flags: string | undefined] {
    const trace = startRequest({ rid: 'r', role: 'gateway', parent: recordCarrier(contextOf(traceId, flags)) });
    const headers: Record<string, string> = {};
    trace.inject(recordCarrier(headers));
    trace.finish();
    expect(headers['traceparent']).toContain(traceId);
    return [recorded().length, headers['traceparent']?.slice(-2)];
  }

  it.each([
    [false, 0, '01', 3, '01'],
    [false, 1, '00', 0, '00'],
    [true, 1, '00', 3, '01'],
    [true, 1, '03', 3, '03'],
    [true, 0, '01', 0, '00'],
    [true, 0, '02', 0, '02'],
  ])('ignores its parent: %j, share %d, flags %s', (ignoresParent, ratio, flags, spans, handedOn) => {
    control.ignoresParent = ignoresParent;
    control.ratio = ratio;
    expect(start(flags)).toEqual([spans, handedOn]);
  });
});
