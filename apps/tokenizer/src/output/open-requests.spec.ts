import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortReason,
  FailureCode,
  FinishReason,
  Role,
  type EncodeRequest,
  type TextEntry,
  type TokenEntry,
  type WorkerId,
} from '@sliceway/protocol';
import { NULL_TRACE, now, requestTrace, resumeRequest } from '@sliceway/tracing';
import { control, named, recordAll, recorded } from '@sliceway/tracing/testing';
import { BYTES, entry, RID } from './entries.fixture.js';
import { OpenRequests, type OpenRequestsLimits } from './open-requests.js';

const GATEWAY = 'aaaaaaaa';
const OTHER_GATEWAY = 'bbbbbbbb';
const OTHER_RID = 'ffeeddccbbaa99887766554433221100';
const PREFILL = '00000001';
const DECODE = '00000002';
const OTHER_PREFILL = '00000003';
const OTHER_DECODE = '00000004';
const STRANGER = '00000005';
const ROLES: Record<string, Role> = {
  [PREFILL]: Role.prefill,
  [DECODE]: Role.decode,
  [OTHER_PREFILL]: Role.prefill,
  [OTHER_DECODE]: Role.decode,
};

interface Over {
  rid?: string;
  attempt?: number;
  gateway?: WorkerId;
  choices?: number;
  stop?: string[];
}

const opened: OpenRequests[] = [];
afterEach(() => opened.splice(0).forEach((requests) => requests.close()));

function setUp(limits: Partial<OpenRequestsLimits> = {}) {
  const frames: (readonly [WorkerId, TextEntry])[][] = [[]];
  const failures: object[] = [];
  const dropped: string[] = [];
  const state = { isEnding: false, onFlush: () => {} };
  const requests = new OpenRequests({
    tokens: BYTES,
    texts: {
      add: (gateway, text) => void frames.at(-1)!.push([gateway, text]),
      flush: () => {
        frames.push([]);
        state.onFlush();
      },
    },
    failures: { report: (attempt, code) => void failures.push({ ...attempt, code }) },
    isEnding: () => state.isEnding,
    roleOf: (instance) => ROLES[instance],
    limits: { maxOpen: 2, orderTimeoutMs: 10_000, idleTimeoutMs: 10_000, ...limits },
    onText: () => {},
    onDropped: (reason) => void dropped.push(reason),
  });
  opened.push(requests);
  return {
    state,
    requests,
    failures,
    dropped,
    open: (over: Over = {}) => requests.open(encodeRequest(over), NULL_TRACE),
    take: (sender: WorkerId, ...entries: TokenEntry[]) =>
      requests.take({ sender, seq: 0, count: entries.length, entries }),
    /** Of the frame taken last. */
    sent: () => frames.at(-2)!.map(([gateway, { rid, choice, text }]) => [gateway, rid, choice, text]),
  };
}

function encodeRequest({
  rid = RID,
  attempt = 0,
  gateway = GATEWAY,
  choices = 1,
  stop = [],
}: Over = {}): EncodeRequest {
  return { rid, attempt, prompt: { text: 'x' }, withText: false, deadlineMs: 0, output: { gateway, choices, stop } };
}

const abort = (over: object = {}) => ({
  rid: RID,
  choice: null,
  attempt: 0,
  reason: AbortReason.clientDisconnected,
  ...over,
});
const END = { finish: FinishReason.length };

describe('OpenRequests', () => {
  test('all entries of a frame leave with it, to the gateway of each', () => {
    const { open, take, sent, requests } = setUp();
    open({ choices: 2 });
    open({ rid: OTHER_RID, gateway: OTHER_GATEWAY });
    take(DECODE, entry(0, 'a'), entry(0, 'b', { choice: 1 }), entry(0, 'c', { rid: OTHER_RID }));
    expect(sent()).toEqual([
      [GATEWAY, RID, 0, 'a'],
      [GATEWAY, RID, 1, 'b'],
      [OTHER_GATEWAY, OTHER_RID, 0, 'c'],
    ]);
    take(DECODE, entry(1, '', END), entry(1, 'd', { choice: 1 }));
    expect(requests.size).toBe(2);
    take(DECODE, entry(2, 'e', { choice: 1, ...END }));
    expect(requests.size).toBe(1);
  });

  test('a token from decode waits for the one from prefill', () => {
    const { open, take, sent } = setUp();
    open();
    take(DECODE, entry(1, 'b'));
    expect(sent()).toEqual([]);
    take(PREFILL, entry(0, 'a'));
    expect(sent().map(([, , , text]) => text)).toEqual(['a', 'b']);
  });

  test('tokens that nobody waits for are dropped and counted', () => {
    const { open, take, sent, dropped } = setUp();
    open({ attempt: 1, choices: 2 });
    take(
      DECODE,
      entry(0, 'x', { rid: OTHER_RID }),
      entry(0, 'x', { attempt: 0 }),
      entry(0, 'x', { attempt: 2 }),
      entry(0, 'x', { attempt: 1, choice: 2 }),
      entry(0, 'a', { attempt: 1, ...END }),
      entry(1, 'b', { attempt: 1 }),
    );
    expect(dropped).toEqual(['unknown', 'stale', 'unknown', 'unknown', 'ended']);
    expect(sent()).toEqual([[GATEWAY, RID, 0, 'a']]);
  });

  test('what comes while the service ends is refused, and closes its older attempt', () => {
    const { open, requests, state } = setUp();
    open();
    open({ rid: OTHER_RID });
    state.isEnding = true;
    const refused = expect.objectContaining({ code: 'draining' }) as Error;
    expect(() => open({ rid: '0'.repeat(32) })).toThrow(refused);
    expect(requests.size).toBe(2);
    expect(() => open({ attempt: 1 })).toThrow(refused);
    expect(requests.size).toBe(1);
  });

  test('a token outside the vocabulary fails its request, not its neighbours', () => {
    const { open, take, sent, failures } = setUp();
    open();
    open({ rid: OTHER_RID });
    take(DECODE, entry(0, [999]), entry(1, 'b'), entry(0, 'c', { rid: OTHER_RID }));
    expect(failures).toEqual([{ gateway: GATEWAY, rid: RID, attempt: 0, choice: null, code: FailureCode.badMessage }]);
    expect(sent()).toEqual([[GATEWAY, OTHER_RID, 0, 'c']]);
  });

  test('too many early tokens fail the request', () => {
    const { open, take, failures } = setUp();
    open();
    for (let i = 1; i <= 256; i++) take(DECODE, entry(i, 'x'));
    expect(failures).toEqual([]);
    take(DECODE, entry(257, 'x'));
    expect(failures).toMatchObject([{ code: FailureCode.tokenLost }]);
  });

  test('a missing token fails the request in time; one that comes starts the time anew', async () => {
    const { open, take, failures } = setUp({ orderTimeoutMs: 200 });
    open();
    take(DECODE, entry(1, 'b'), entry(3, 'd'));
    await sleep(120);
    take(PREFILL, entry(0, 'a'));
    await sleep(120);
    expect(failures).toEqual([]);
    await sleep(150);
    expect(failures).toMatchObject([{ rid: RID, code: FailureCode.tokenLost }]);
  });

  test('no time runs while nothing is missing', async () => {
    const { open, take, failures } = setUp({ orderTimeoutMs: 20 });
    open();
    take(DECODE, entry(1, 'b'));
    take(PREFILL, entry(0, 'a'));
    await sleep(60);
    expect(failures).toEqual([]);
  });

  test('a request without a token is given up; each token starts the time anew', async () => {
    const { open, take, requests, failures } = setUp({ idleTimeoutMs: 200 });
    open();
    await sleep(120);
    take(DECODE, entry(0, 'a'));
    await sleep(120);
    expect(requests.size).toBe(1);
    await sleep(150);
    expect([requests.size, failures]).toMatchObject([0, [{ code: FailureCode.tokenLost }]]);
  });
});

describe('a lost frame', () => {
  test.each<[string, WorkerId[], WorkerId, boolean]>([
    ['of a worker that sent tokens', [DECODE], DECODE, true],
    ['of the decode that has not sent any yet', [PREFILL], DECODE, true],
    ['of any worker before the first token', [], OTHER_DECODE, true],
    ['of a worker of unknown role', [PREFILL], STRANGER, true],
    ['of another prefill', [PREFILL], OTHER_PREFILL, false],
    ['of another decode', [DECODE], OTHER_DECODE, false],
    ['of a third worker', [PREFILL, DECODE], STRANGER, false],
  ])('%s: senders %j, lost by %s, fails: %s', (_, senders, lost, fails) => {
    const { open, take, requests, failures } = setUp();
    open();
    senders.forEach((sender, i) => take(sender, entry(i, 'x')));
    requests.lose(lost, 3);
    expect(failures).toEqual(
      fails ? [{ gateway: GATEWAY, rid: RID, attempt: 0, choice: null, code: FailureCode.frameLost }] : [],
    );
    expect(requests.size).toBe(fails ? 0 : 1);
  });

  test('leaves a request alone that was opened later', async () => {
    const { open, requests, failures } = setUp();
    open();
    await sleep(5);
    const lostMs = performance.now();
    await sleep(5);
    open({ rid: OTHER_RID });
    requests.lose(DECODE, 1, lostMs);
    expect(failures).toMatchObject([{ rid: RID, code: FailureCode.frameLost }]);
  });

  test('leaves a request alone whose choice of that worker has ended', () => {
    const { open, take, requests, failures } = setUp();
    open({ choices: 2 });
    take(DECODE, entry(0, 'a', END));
    take(OTHER_DECODE, entry(0, 'b', { choice: 1 }));
    requests.lose(DECODE, 1);
    expect(failures).toEqual([]);
  });
});

describe('abort', () => {
  test('of all choices closes the request, also when it comes first', () => {
    const { open, take, requests, dropped } = setUp();
    open();
    requests.abort(abort());
    take(DECODE, entry(0, 'a'));
    expect([requests.size, dropped]).toEqual([0, ['unknown']]);
    requests.abort(abort({ rid: OTHER_RID, attempt: 1 }));
    expect(() => open({ rid: OTHER_RID, attempt: 1 })).toThrow(expect.objectContaining({ code: 'aborted' }));
    open({ rid: OTHER_RID, attempt: 2 });
    expect(requests.size).toBe(1);
  });

  test('of one choice leaves the others, also when it comes first', () => {
    const { open, take, sent, requests } = setUp();
    requests.abort(abort({ choice: 0 }));
    open({ choices: 3 });
    requests.abort(abort({ choice: 1 }));
    requests.abort(abort({ choice: 200 }));
    take(DECODE, entry(0, 'a'), entry(0, 'b', { choice: 1 }), entry(0, 'c', { choice: 2, ...END }));
    expect(sent()).toEqual([[GATEWAY, RID, 2, 'c']]);
    expect(requests.size).toBe(0);
  });

  test('of an older attempt does nothing', () => {
    const { open, requests } = setUp();
    open({ attempt: 1 });
    requests.abort(abort());
    expect(requests.size).toBe(1);
  });
});

describe('open', () => {
  test('takes as many as are allowed', () => {
    const { open, requests } = setUp({ maxOpen: 1 });
    open();
    expect(() => open({ rid: OTHER_RID })).toThrow(expect.objectContaining({ code: 'queue_full' }));
    open({ attempt: 1 });
    requests.discard(encodeRequest({ attempt: 0 }), 'of another attempt');
    expect(requests.size).toBe(1);
    requests.discard(encodeRequest({ attempt: 1 }), 'refused');
    open({ rid: OTHER_RID });
  });

  test('a newer attempt takes the place of an older one, which cannot come back', () => {
    const { open, take, sent } = setUp();
    open();
    take(PREFILL, entry(0, 'old'));
    open({ attempt: 1 });
    take(PREFILL, entry(0, 'new', { attempt: 1 }));
    expect(sent()).toEqual([[GATEWAY, RID, 0, 'new']]);
    expect(() => open({ attempt: 0 })).toThrow(expect.objectContaining({ code: 'aborted' }));
  });

  test.each([
    [['a'.repeat(1000), 'b'.repeat(24)], null],
    [['a'.repeat(1000), 'b'.repeat(25)], 'bad_stop'],
    [['a', ''], 'bad_stop'],
  ])('stop strings %#', (stop, code) => {
    const { open } = setUp();
    if (code === null) open({ stop });
    else expect(() => open({ stop })).toThrow(expect.objectContaining({ code }));
  });

  test('requests of a gateway that is gone are closed, and it is told, should it wake up', () => {
    const { open, requests, failures } = setUp();
    open();
    open({ rid: OTHER_RID, gateway: OTHER_GATEWAY });
    requests.dropGateway(GATEWAY);
    expect(requests.size).toBe(1);
    expect(failures).toMatchObject([{ code: FailureCode.workerLost }]);
  });
});

test('an attempt is past when a newer one is open, and only then', () => {
  const { requests } = setUp();
  expect(requests.isPast(encodeRequest({ attempt: 0 }))).toBe(false);
  requests.open(encodeRequest({ attempt: 1 }), NULL_TRACE);
  expect([0, 1, 2].map((attempt) => requests.isPast(encodeRequest({ attempt })))).toEqual([true, false, false]);
  requests.close();
});

describe('traces end with what they trace', () => {
  const context = new Map([['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`]]);

  test.each<[string, (context: ReturnType<typeof setUp>) => void]>([
    ['finished', ({ take }) => take(DECODE, entry(1, 'b', END))],
    ['choice aborted', ({ requests }) => requests.abort(abort({ choice: 0 }))],
    ['aborted', ({ requests }) => requests.abort(abort())],
    ['failed', ({ requests }) => requests.lose(DECODE, 1)],
    ['gateway gone', ({ requests }) => requests.dropGateway(GATEWAY)],
    ['closed', ({ requests }) => requests.close()],
  ])('%s', (_, end) => {
    const own = setUp();
    const trace = resumeRequest(context, { rid: RID, role: 'tokenizer' });
    own.requests.open(encodeRequest(), trace);
    expect(requestTrace(RID)).toBe(trace);
    own.take(DECODE, entry(0, 'a'));
    end(own);
    expect(requestTrace(RID)).toBe(NULL_TRACE);
    expect(own.requests.size).toBe(0);
  });

  test('the last text has left when the whole frame has', () => {
    recordAll();
    recorded();
    const own = setUp();
    own.requests.open(encodeRequest(), resumeRequest(context, { rid: RID, role: 'tokenizer' }));
    let flushedTs = 0;
    own.state.onFlush = () => {
      flushedTs = now();
    };
    const isAfterFlush = (timeNs: bigint): boolean => timeNs >= control.toEpochNs(flushedTs, control.epoch);
    own.take(PREFILL, entry(0, 'a'));
    const firstTs = flushedTs;
    own.take(DECODE, entry(1, 'b', END));
    control.enabled = false;
    const { events, endNs, attributes } = named(recorded(), 'detokenize');
    expect(events.map(({ name }) => name)).toEqual(['first_text', 'last_token']);
    expect(events[0]!.timeNs).toBeGreaterThanOrEqual(control.toEpochNs(firstTs, control.epoch));
    expect([isAfterFlush(events[1]!.timeNs), isAfterFlush(endNs)]).toEqual([false, true]);
    expect(attributes).toEqual({ tokens: 2 });
  });

  test('superseded', () => {
    const { requests, take } = setUp();
    requests.open(encodeRequest(), resumeRequest(context, { rid: RID, role: 'tokenizer' }));
    take(DECODE, entry(0, 'a'));
    requests.open(encodeRequest({ attempt: 1 }), NULL_TRACE);
    expect(requestTrace(RID)).toBe(NULL_TRACE);
  });
});
