import { startOtlpReceiver, validateTrace, type OtlpReceiver } from '@sliceway/testing';
import { LinkKind, SliceName, SpanStatus, TraceLevel, type TraceSpan } from '@sliceway/tracing';
import { Chaos } from './chaos.fixture.js';
import { FIRST } from './stories.fixture.js';
import { tracedEnv, tracesWhenSettled } from './traced-cluster.fixture.js';
import { STAGES, type Stage } from './wire-watch.fixture.js';

const named = (spans: readonly TraceSpan[], name: RegExp): TraceSpan[] => spans.filter((span) => name.test(span.name));

/** Who knows of a request when it is at a stage. */
const BEGUN: Readonly<Record<Stage, readonly string[]>> = {
  tokenizing: ['gateway', 'tokenizer'],
  bootstrap: ['gateway', 'tokenizer', 'decode'],
  transfer: ['gateway', 'tokenizer', 'prefill', 'decode'],
  decode: ['gateway', 'tokenizer', 'prefill', 'decode'],
};

/** Prefill is done when decode has the whole KV. */
function hasHandedOver(spans: readonly TraceSpan[], request: TraceSpan): boolean {
  const sent = spans.find(({ name }) => name === SliceName.prefillTransferKvCache);
  return request.name.startsWith('prefill') && sent !== undefined && sent.status.code !== SpanStatus.error;
}

describe('traces of what goes wrong', () => {
  let receiver: OtlpReceiver;
  let chaos: Chaos;
  let retries = 0;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    const counts = { tokenizer: 2, prefill: 2, decode: 2, gateway: 1 };
    chaos = await Chaos.start({ counts, env: tracedEnv(receiver) });
  });
  afterEach(() => chaos.restore());
  afterAll(async () => {
    await chaos?.stop();
    await receiver?.close();
  });

  it.each(STAGES)('a client that leaves at %s: all is closed, with the reason', async (stage) => {
    const client = new AbortController();
    const reached = chaos.watch.next(stage, FIRST.content);
    const left = chaos.ask(FIRST, { signal: client.signal });
    const rid = await reached;
    client.abort();
    await left;
    const [spans] = (await tracesWhenSettled(receiver, [rid])) as [TraceSpan[]];
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    if (chaos.watch.hasFinished(rid)) return;
    const ended = named(spans, /^Bootstrap| Req /).filter((span) => !hasHandedOver(spans, span));
    const failed = { code: SpanStatus.error, message: 'client_disconnected' };
    expect(ended.map(({ name, status }) => [name, status])).toEqual(ended.map(({ name }) => [name, failed]));
    const roles = named(spans, / Req /).map(({ name }) => name.replace(/ .*/, ''));
    expect(roles).toEqual(expect.arrayContaining(BEGUN[stage]));
  });

  it.each(
    (['tokenizer', 'prefill', 'decode'] as const).flatMap((role) => STAGES.map((stage) => [role, stage] as const)),
  )(
    'a %s that is killed at %s: what is left is whole, and another attempt links to the lost one',
    async (role, stage) => {
      const { rid, victim, outcomes } = await chaos.hit(stage, role, 'SIGKILL');
      const others = outcomes.map(({ answer }) => answer!.rid).filter((each) => each !== rid);
      const traces = await tracesWhenSettled(receiver, [rid, ...others]);
      for (const spans of traces) {
        expect(validateTrace(spans, { level: TraceLevel.all, lost: victim.instance })).toEqual([]);
      }
      const spans = traces[0]!;
      const rooms = named(spans, /^Bootstrap/);
      expect(rooms).toHaveLength(chaos.watch.attemptsOf(rid));
      if (rooms.length === 2) {
        retries++;
        const [lost] = rooms.filter(({ status }) => status.message !== '');
        expect(lost!.status).toEqual({ code: SpanStatus.error, message: 'worker_lost' });
        const links = spans
          .flatMap((span) => span.links)
          .filter(({ attributes }) => attributes['link.kind'] === LinkKind.retryOf);
        expect(links.map(({ spanId }) => spanId)).toEqual([lost!.spanId]);
      }
      await chaos.known();
    },
  );

  it('some of them were tried again', () => expect(retries).toBeGreaterThan(0));
});
