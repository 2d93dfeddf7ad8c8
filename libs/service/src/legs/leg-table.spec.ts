import { AbortReason, FailureCode, type Abort, type PrefillLeg, type SamplingParams } from '@sliceway/protocol';
import { NULL_TRACE } from '@sliceway/tracing';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FailureReporter } from '../failure-reporter.js';
import { LegTable } from './leg-table.js';

const RID = 'a'.repeat(32);
const leg = (over: Partial<PrefillLeg> = {}): PrefillLeg => ({
  rid: RID,
  choice: 0,
  attempt: 0,
  choices: 1,
  room: '0'.repeat(16),
  gateway: '00000001',
  tokenizer: '00000002',
  decode: '00000003',
  promptIds: [1],
  sampling: {} as SamplingParams,
  deadlineMs: 0,
  ...over,
});
const abort = (over: Partial<Abort> = {}) => ({
  rid: RID,
  choice: null,
  attempt: 0,
  reason: AbortReason.clientDisconnected,
  ...over,
});

describe('LegTable', () => {
  let said: string[];
  /** Of what was released or dropped. */
  let reasons: (string | null)[];
  let isEnding: boolean;
  let table: LegTable<PrefillLeg>;
  const traced = (name: string) => ({
    ...NULL_TRACE,
    finish: () => said.push(`${name} finished`),
    abort: (reason: string) => said.push(`${name} aborted: ${reason}`),
  });
  const open = (over: Partial<PrefillLeg> = {}, name = 'leg') => table.open(leg(over), traced(name) as never);

  beforeEach(() => {
    said = [];
    reasons = [];
    isEnding = false;
    const failures = {
      report: (_of: unknown, code: FailureCode) => said.push(`told ${code}`),
    } as unknown as FailureReporter;
    table = new LegTable(
      failures,
      {
        release: ({ leg: { attempt } }, reason) => {
          reasons.push(reason);
          said.push(`released ${attempt}`);
        },
        dropChoice: (_open, choice, reason) => {
          reasons.push(reason);
          said.push(`dropped choice ${choice}`);
        },
      },
      { maxOpen: 16, isEnding: () => isEnding },
    );
  });

  it('refuses one more than it may hold, and tells the gateway', () => {
    for (let choice = 0; choice < 16; choice++) expect(open({ choice })).toBeDefined();
    expect(open({ choice: 16 })).toBeUndefined();
    expect(said).toEqual(['told queue_full', 'leg aborted: queue_full']);
  });

  it('refuses what comes while the service ends, and goes on with what is here', () => {
    open({ choice: 0 });
    isEnding = true;
    expect(open({ choice: 1 }, 'late')).toBeUndefined();
    expect(said).toEqual(['told draining', 'late aborted: draining']);
    expect(table.size).toBe(1);
  });

  it('closes the older attempt also when the newer one is refused', () => {
    open({}, 'older');
    isEnding = true;
    expect(open({ attempt: 1 }, 'newer')).toBeUndefined();
    expect(said).toEqual(['released 0', 'older aborted: superseded', 'told draining', 'newer aborted: draining']);
    expect(table.size).toBe(0);
  });

  it('does not open what comes after its deadline', () => {
    expect(open({ deadlineMs: Date.now() - 1 }, 'late')).toBeUndefined();
    expect(said).toEqual(['told deadline', 'late aborted: deadline']);
  });

  it('tells every gateway when the service ends', () => {
    open({ choice: 0 }, 'one');
    open({ choice: 1 }, 'two');
    table.failAll(FailureCode.draining, 'the end');
    expect(said.filter((line) => line === 'told draining')).toHaveLength(2);
    expect(table.size).toBe(0);
  });

  it('ends each leg once', () => {
    const { id } = open()!;
    expect(table.size).toBe(1);
    table.finish(id);
    table.finish(id);
    table.fail(id, FailureCode.engineError, 'too late');
    table.abort(abort());
    expect(said).toEqual(['released 0', 'leg finished']);
    expect(table.size).toBe(0);
  });

  it('tells the gateway of a failure, and frees what the leg held', () => {
    table.fail(open()!.id, FailureCode.kvTimeout, 'silence');
    expect(said).toEqual(['told kv_timeout', 'released 0', 'leg aborted: kv_timeout: silence']);
  });

  it('refuses a leg that came twice, one that is superseded, and one that was aborted before it came', () => {
    open({ attempt: 1 });
    expect(open({ attempt: 1 }, 'twice')).toBeUndefined();
    expect(open({ attempt: 0 }, 'older')).toBeUndefined();
    table.abort({ ...abort({ attempt: 3 }), rid: 'b'.repeat(32) });
    expect(open({ rid: 'b'.repeat(32), attempt: 3 }, 'overtaken')).toBeUndefined();
    expect(open({ rid: 'b'.repeat(32), attempt: 4 })).toBeDefined();
    expect(table.size).toBe(2);
    expect(said).toHaveLength(3);
    expect(table.dropped).toEqual({ duplicate: 1, stale: 1, aborted: 1 });
  });

  it('leaves out the choices of a leg that were aborted before it came, and refuses it when none is left', () => {
    for (const choice of [2, 4]) table.abort(abort({ choice }));
    expect(open({ choice: 2, choices: 3 })?.wanted).toEqual([3]);
    for (const choice of [0, 1]) table.abort(abort({ choice, attempt: 1 }));
    expect(open({ choices: 2, attempt: 1 })).toBeUndefined();
    expect(open({ choices: 2, attempt: 2 })?.wanted).toEqual([0, 1]);
  });

  it('closes the older attempt when a newer one comes', () => {
    open({}, 'older');
    open({ attempt: 1 });
    expect(said).toEqual(['released 0', 'older aborted: superseded']);
    expect(table.size).toBe(1);
  });

  it('keeps the choices of a request apart', () => {
    open({ choice: 0 });
    open({ choice: 1 });
    table.abort(abort({ choice: 1 }));
    expect(table.size).toBe(1);
    expect(said).toEqual(['released 0', 'leg aborted: client_disconnected']);
  });

  it('drops one choice of a leg that serves several, and none that it does not serve', () => {
    open({ choice: 2, choices: 3 });
    for (const choice of [1, 2, 4, 5]) table.abort(abort({ choice }));
    expect(said).toEqual(['dropped choice 2', 'dropped choice 4']);
    table.abort(abort());
    expect(table.size).toBe(0);
  });

  it('takes a stop string for a good end, of a leg and of a choice, and all else for a reason', () => {
    open({ choice: 0, choices: 2 });
    open({ choice: 2 }, 'other');
    table.abort(abort({ choice: 1, reason: AbortReason.stopMatched }));
    table.abort(abort({ choice: 0 }));
    table.abort(abort({ choice: 2, reason: AbortReason.stopMatched }));
    table.finish(`${RID}/0/0`, AbortReason.clientDisconnected);
    expect(said.filter((line) => !/^(released|dropped)/.test(line))).toEqual([
      'other finished',
      'leg aborted: client_disconnected',
    ]);
    expect(reasons).toEqual([null, 'client_disconnected', null, 'client_disconnected']);
  });

  it('leaves a newer attempt alone when an older one is aborted', () => {
    open({ attempt: 2 });
    table.abort(abort({ attempt: 1 }));
    expect(table.size).toBe(1);
  });

  it('fails what is past its deadline, also one that came too late, and waits for a far one', async () => {
    open({ deadlineMs: Date.now() + 30 });
    open({ choice: 1, deadlineMs: 1 });
    const { id } = open({ choice: 2, deadlineMs: Date.now() + 10 ** 11 })!;
    await sleep(100);
    expect(said.filter((line) => line === 'told deadline')).toHaveLength(2);
    expect(table.size).toBe(1);
    table.finish(id);
  });

  it('keeps no timer of a leg that has ended', () => {
    const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const deadlineMs = Date.now() + 60_000;
    const { id } = open({ deadlineMs })!;
    open({ choice: 1, deadlineMs });
    open({ choice: 2, deadlineMs });
    expect(timers()).toBe(before + 3);
    table.finish(id);
    table.abort(abort({ choice: 1 }));
    open({ choice: 2, attempt: 1 });
    expect(timers()).toBe(before);
  });

  it('fails what lost its gateway or its partner', () => {
    open({ choice: 0 });
    open({ choice: 1, decode: '00000009' });
    open({ choice: 2, gateway: '00000009' });
    table.dropPeer('00000009', ({ decode }) => decode);
    expect(table.size).toBe(1);
    expect(said.filter((line) => line.startsWith('told'))).toEqual(['told worker_lost', 'told worker_lost']);
    expect(said).toContain('leg aborted: worker_lost: the gateway was gone');
  });
});
