import type { ContextCarrier } from './context-carrier.js';
import { spanIdToHex } from './span-ids.js';
import { ContextId, OwnContext, ReceivedContext } from './trace-context.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT_ID = '00f067aa0ba902b7';
const PARENT = `00-${TRACE_ID}-${PARENT_ID}-01`;

function read(traceparent: string, tracestate = '') {
  const context = new ReceivedContext();
  if (!context.read(new Map(Object.entries({ traceparent, tracestate })))) return undefined;
  return { traceparent: context.traceparent, tracestate: context.tracestate };
}

it.each([
  PARENT,
  `00-${TRACE_ID}-${PARENT_ID}-00`,
  `00-${TRACE_ID}-${PARENT_ID}-ff`,
  `00-${'0'.repeat(31)}1-${'0'.repeat(15)}1-01`,
  `01-${TRACE_ID}-${PARENT_ID}-01`,
  `cc-${TRACE_ID}-${PARENT_ID}-01-what-the-future-will-be`,
  `fe-${TRACE_ID}-${PARENT_ID}-01-`,
])('traceparent %j is taken as it is', (traceparent) => {
  expect(read(traceparent)).toEqual({ traceparent, tracestate: undefined });
});

it.each([
  '',
  '00',
  TRACE_ID,
  `ff-${TRACE_ID}-${PARENT_ID}-01`,
  `0-${TRACE_ID}-${PARENT_ID}-01`,
  `0G-${TRACE_ID}-${PARENT_ID}-01`,
  `00-${'0'.repeat(32)}-${PARENT_ID}-01`,
  `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
  `00-${TRACE_ID.slice(1)}-${PARENT_ID}-01`,
  `00-${TRACE_ID}0-${PARENT_ID}-01`,
  `00-${TRACE_ID}-${PARENT_ID.slice(1)}-01`,
  `00-${TRACE_ID.toUpperCase()}-${PARENT_ID}-01`,
  `00-${TRACE_ID}-${PARENT_ID}-1`,
  `00-${TRACE_ID}-${PARENT_ID}-001`,
  `00-${TRACE_ID}-${PARENT_ID}-01-more`,
  `01-${TRACE_ID}-${PARENT_ID}-01.more`,
  ` ${PARENT}`,
  `${PARENT}\n`,
  `${PARENT},${PARENT}`,
])('traceparent %j is ignored', (traceparent) => {
  expect(read(traceparent, 'a=1')).toBeUndefined();
});

const longKey = 'k'.repeat(256);
const longTenant = `${'t'.repeat(241)}@${'s'.repeat(14)}`;
it.each([
  'a=1',
  'congo=t61rcWkgMzE,rojo=00f067aa0ba902b7',
  'a=1, ,b=2 ,\tc=3',
  '0a/b-c*d_e=!"#$ %&\'()*+-./:;<>?@[\\]^_`{|}~',
  `${longKey}=${'v'.repeat(256)}`,
  `${longTenant}=x`,
  Array.from({ length: 32 }, (_, i) => `k${i}=v`).join(','),
])('tracestate %j is taken as it is', (tracestate) => {
  expect(read(PARENT, tracestate)).toEqual({ traceparent: PARENT, tracestate });
});

it.each([
  '',
  'a',
  'a=',
  '=1',
  'A=1',
  'a=1=2',
  'a =1',
  'é=1',
  'a=é',
  'a=\u007f',
  'a@1b=1',
  `k${longKey}=1`,
  `t${longTenant}=1`,
  `${longTenant}s=1`,
  `a=${'v'.repeat(257)}`,
  Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(','),
])('tracestate %j is left out', (tracestate) => {
  expect(read(PARENT, tracestate)).toEqual({ traceparent: PARENT, tracestate: undefined });
});

it('a long malformed header takes no long time', () => {
  const startMs = performance.now();
  expect(read(PARENT, `a=${' '.repeat(100_000)}\u0000`)?.tracestate).toBeUndefined();
  expect(read(`${PARENT}${'-'.repeat(100_000)}\n`)).toBeUndefined();
  expect(performance.now() - startMs).toBeLessThan(500);
});

const [PREVIOUS, REQUEST, ROOM] = ['00f067aa0ba902b7', 'b7ad6b7169203331', '0123456789abcdef'];
function readOwn(text: string): ReceivedContext {
  const context = new ReceivedContext();
  context.read(
    new Map([
      ['traceparent', PARENT],
      ['x-sliceway-trace', text],
    ]),
  );
  return context;
}

it.each(['gateway', 'a', 'tp-0', '_'.repeat(32)])('our own context of the role %j is taken', (role) => {
  const context = readOwn(`3-${PREVIOUS}-${role}-${REQUEST}-${ROOM}`);
  expect(context).toMatchObject({ own: OwnContext.whole, level: 3, room: ROOM });
  expect(spanIdToHex(context.ids, ContextId.previous)).toBe(PREVIOUS);
  expect(spanIdToHex(context.ids, ContextId.request)).toBe(REQUEST);
  expect([role, `${role}a`, role.slice(1)].map((each) => context.isOf(each))).toEqual([true, false, false]);
});

it.each([
  `4-${PREVIOUS}-decode-${REQUEST}-${ROOM}`,
  `-${PREVIOUS}-decode-${REQUEST}-${ROOM}`,
  `33-${PREVIOUS}-decode-${REQUEST}-${ROOM}`,
  `3-${PREVIOUS.slice(1)}-decode-${REQUEST}-${ROOM}`,
  `3-${PREVIOUS}-decode-${REQUEST}-${ROOM.slice(1)}`,
  `3-${PREVIOUS}-decode-${REQUEST.slice(1)}g-${ROOM}`,
  `3-${PREVIOUS}-decode-${REQUEST}-${ROOM}0`,
  `3-${PREVIOUS}-decode-${REQUEST}-${ROOM}\n`,
  `3-${PREVIOUS}-decode-${REQUEST}_${ROOM}`,
  `3-${PREVIOUS}--${REQUEST}-${ROOM}`,
  `3-${PREVIOUS}-Decode-${REQUEST}-${ROOM}`,
  `3-${PREVIOUS}-${'d'.repeat(33)}-${REQUEST}-${ROOM}`,
  `3-${PREVIOUS.toUpperCase()}-decode-${REQUEST}-${ROOM}`,
  `3-${PREVIOUS}-decode`,
  '3',
  '-',
])('our own context %j is malformed', (text) => {
  expect(readOwn(text).own).toBe(OwnContext.malformed);
});

it('there may be no context of ours', () => {
  expect(readOwn('').own).toBe(OwnContext.missing);
});

it('our own context without a right traceparent is malformed', () => {
  const context = new ReceivedContext();
  const own = `3-${PREVIOUS}-decode-${REQUEST}-${ROOM}`;
  expect(context.read(new Map([['x-sliceway-trace', own]]))).toBe(false);
  expect(context).toMatchObject({ own: OwnContext.malformed, isMalformed: false });
});

it('a malformed tracestate is left out, and said', () => {
  const context = new ReceivedContext();
  expect(context.read(new Map(Object.entries({ traceparent: PARENT, tracestate: '=' })))).toBe(true);
  expect(context).toMatchObject({ isMalformed: true, traceparent: PARENT, tracestate: undefined });
});

it('of headers with several values, a list goes on and a traceparent is malformed', () => {
  const carrier = (headers: [string, string[]][]): ContextCarrier =>
    ({ get: () => undefined, set: () => undefined, [Symbol.iterator]: () => headers.values() }) as never;
  const context = new ReceivedContext();
  const twice: [string, string[]] = ['tracestate', ['a=1', 'b=2']];
  expect(context.read(carrier([['traceparent', [PARENT]], twice]))).toBe(true);
  expect(context.tracestate).toBe('a=1,b=2');
  expect(context.read(carrier([['traceparent', [PARENT, PARENT]]]))).toBe(false);
  expect(context.isMalformed).toBe(true);
});

it('what the carrier before had does not stay', () => {
  const context = readOwn(`3-${PREVIOUS}-decode-${REQUEST}-${ROOM}`);
  expect(context.read(new Map([['tracestate', 'a=1']]))).toBe(false);
  expect(context).toMatchObject({
    own: OwnContext.missing,
    traceparent: '',
    tracestate: undefined,
    isMalformed: false,
  });
  expect(context.read(new Map([['traceparent', PARENT]]))).toBe(true);
  expect(context).toMatchObject({ own: OwnContext.missing, traceparent: PARENT });
});

it.each([
  ['00', false],
  ['01', true],
  ['02', false],
  ['ff', true],
])('flags %s: sampled is %p', (flags, isSampled) => {
  const context = new ReceivedContext();
  context.read(new Map([['traceparent', `00-${TRACE_ID}-${PARENT_ID}-${flags}`]]));
  expect(context).toMatchObject({ isSampled, flags });
});
