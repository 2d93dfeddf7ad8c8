import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../libs/tracing/bench/receiver.mjs', import.meta.url));

export interface ReceiverCounts {
  readonly spans: number;
  readonly requests: number;
  readonly bytes: number;
}

/** An OTLP/HTTP receiver in a process of its own: it reads everything, or a byte a second. */
export class Receiver {
  private constructor(
    private readonly child: ChildProcess,
    /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is to be. */
    readonly url: string,
  ) {}

  static async start(kind: 'whole' | 'trickle' = 'whole'): Promise<Receiver> {
    const child = fork(script, [kind]);
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Receiver(child, `http://127.0.0.1:${port}`);
  }

  /** Of what came so far. */
  async counts(): Promise<ReceiverCounts> {
    this.child.send('counts');
    return ((await once(this.child, 'message')) as [ReceiverCounts])[0];
  }

  /** It hangs: connections are accepted by the kernel, and nobody reads. */
  pause(): void {
    this.child.kill('SIGSTOP');
  }

  async stop(): Promise<void> {
    // One that hangs would not hear of it.
    this.child.kill('SIGCONT');
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}
