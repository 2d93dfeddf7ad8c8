import type { ContextCarrier } from './context-carrier.js';
import { recordCarrier } from './context-carrier.js';
import { NULL_TRACE } from './null-trace.js';
import { requestTrace, resumeRequest, startRequest } from './requests.js';

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const tracestate = 'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7';

const carriers: [string, () => ContextCarrier][] = [
  ['Map', () => new Map<string, string>()],
  ['Headers', () => new Headers()],
  ['plain object', () => recordCarrier({})],
];

describe.each(carriers)('context in a %s', (_, makeCarrier) => {
  it('goes from the HTTP request through every service unchanged', () => {
    const parent = makeCarrier();
    parent.set('traceparent', traceparent);
    parent.set('tracestate', tracestate);
    const gateway = startRequest({ rid: 'r', role: 'gateway', parent });
    const leg = makeCarrier();
    gateway.inject(leg);
    const prefill = resumeRequest(leg, { rid: 'r', role: 'prefill', bootstrapRoom: '0'.repeat(16) });
    const toThread = makeCarrier();
    prefill.inject(toThread);
    expect([toThread.get('traceparent'), toThread.get('tracestate')]).toEqual([traceparent, tracestate]);
    prefill.finish();
    gateway.finish();
  });

  it('is nothing where nothing came in', () => {
    const headers = makeCarrier();
    startRequest({ rid: 'r', role: 'gateway', parent: headers }).inject(headers);
    expect(headers.get('traceparent') ?? '').toBe('');
    expect(resumeRequest(headers, { rid: 'r', role: 'decode' })).toBe(NULL_TRACE);
  });
});

it('a carrier that is missing or malformed gives NULL_TRACE', () => {
  expect(startRequest({ rid: 'r', role: 'gateway' })).toBe(NULL_TRACE);
  expect(resumeRequest(undefined, { rid: 'r', role: 'decode' })).toBe(NULL_TRACE);
  expect(resumeRequest(recordCarrier({ traceparent: 'nonsense', tracestate }), { rid: 'r', role: 'decode' })).toBe(
    NULL_TRACE,
  );
});

it('a header that came twice is malformed', () => {
  const twice = recordCarrier({ traceparent: [traceparent, traceparent] });
  expect(resumeRequest(twice, { rid: 'r', role: 'decode' })).toBe(NULL_TRACE);
  const split = recordCarrier({ traceparent, tracestate: ['a=1', 'b=2'] });
  const out: Record<string, string> = {};
  resumeRequest(split, { rid: 'r', role: 'decode' }).inject(recordCarrier(out));
  expect(out).toEqual({ traceparent, tracestate: 'a=1,b=2' });
  requestTrace('r').finish();
});

it('a trace is found by its rid until it ends', () => {
  const headers = recordCarrier({ traceparent });
  const finished = resumeRequest(headers, { rid: 'f', role: 'decode' });
  const aborted = resumeRequest(headers, { rid: 'a', role: 'decode' });
  expect([requestTrace('f'), requestTrace('a')]).toEqual([finished, aborted]);
  finished.finish();
  aborted.abort('client_disconnected');
  expect([requestTrace('f'), requestTrace('a')]).toEqual([NULL_TRACE, NULL_TRACE]);
});

it('the end of an older trace leaves a newer one of the same rid alone', () => {
  const headers = recordCarrier({ traceparent });
  const lost = resumeRequest(headers, { rid: 'r', role: 'decode' });
  const retry = resumeRequest(headers, { rid: 'r', role: 'decode' });
  lost.abort('worker_lost');
  expect(requestTrace('r')).toBe(retry);
  retry.finish();
  retry.finish();
  expect(requestTrace('r')).toBe(NULL_TRACE);
});

it('requests that never end are forgotten, the oldest first', () => {
  const headers = recordCarrier({ traceparent });
  const open = (i: number) => resumeRequest(headers, { rid: `leak${i}`, role: 'decode' });
  const first = open(0);
  for (let i = 1; i < 65_536; i++) open(i);
  expect(requestTrace('leak0')).toBe(first);
  open(65_536);
  expect(requestTrace('leak0')).toBe(NULL_TRACE);
  expect(requestTrace('leak1')).not.toBe(NULL_TRACE);
});
