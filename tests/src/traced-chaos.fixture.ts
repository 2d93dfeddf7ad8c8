import type { ClusterProcess, Role } from '@sliceway/local';
import { type OtlpReceiver, startOtlpReceiver, validateTrace } from '@sliceway/testing';
import { TraceLevel, type TraceSpan } from '@sliceway/tracing';
import { Chaos, type ChaosOptions } from './chaos.fixture.js';
import { tracedEnv, tracesWhenSettled } from './traced-cluster.fixture.js';

export interface ValidTraceOptions {
  /** A process that was killed: its spans may be missing. */
  readonly lost?: ClusterProcess | undefined;
  /** Of a service that has a span for each request; the gateway if not given. */
  readonly role?: Role;
}

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

  /** Of one request, when no more spans come. */
  async validTrace(rid: string, options: ValidTraceOptions = {}): Promise<TraceSpan[]> {
    return (await this.validTraces([rid], options))[0]!;
  }

  /** Of each request, when no more spans come. */
  async validTraces(rids: readonly string[], { lost, role }: ValidTraceOptions = {}): Promise<TraceSpan[][]> {
    const traces = await tracesWhenSettled(this.receiver, rids, role);
    for (const spans of traces)
      expect(validateTrace(spans, { level: TraceLevel.all, ...(lost && { lost }) })).toEqual([]);
    return traces;
  }
}
