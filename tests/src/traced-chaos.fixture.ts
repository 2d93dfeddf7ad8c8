import { type OtlpReceiver, startOtlpReceiver, validateTrace } from '@sliceway/testing';
import { TraceLevel, type TraceSpan } from '@sliceway/tracing';
import { Chaos, type ChaosOptions } from './chaos.fixture.js';
import { tracedEnv, tracesWhenSettled } from './traced-cluster.fixture.js';

/** A cluster to be broken whose spans come to this process. */
export class TracedChaos {
  private constructor(
    readonly chaos: Chaos,
    readonly receiver: OtlpReceiver,
  ) {}

  static async start({ env, ...options }: ChaosOptions): Promise<TracedChaos> {
    const receiver = await startOtlpReceiver();
    return new TracedChaos(await Chaos.start({ ...options, env: { ...tracedEnv(receiver), ...env } }), receiver);
  }

  async stop(): Promise<void> {
    await this.chaos.stop();
    await this.receiver.close();
  }

  /** Of one request, of which nothing was lost, when no more spans come. */
  async validTrace(rid: string): Promise<TraceSpan[]> {
    const [spans] = (await tracesWhenSettled(this.receiver, [rid])) as [TraceSpan[]];
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    return spans;
  }
}
