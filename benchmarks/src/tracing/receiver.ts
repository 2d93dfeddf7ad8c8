import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../../../libs/tracing/bench/receiver.mjs', import.meta.url));

export interface ReceiverCounts {
  readonly spans: number;
  readonly requests: number;
  readonly bytes: number;
}

/** What can be wrong with a collector. A stopped one hangs: the kernel accepts connections, and nobody reads. */
export type Ailment = 'stopped' | 'at a byte a second';

/** An OTLP/HTTP receiver in a process of its own, which reads everything while it is well. */
export class Receiver {
  private constructor(
    private readonly child: ChildProcess,
    /** What `OTEL_EXPORTER_OTLP_ENDPOINT` is to be. */
    readonly url: string,
  ) {}

  static async start(): Promise<Receiver> {
    const child = fork(script);
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Receiver(child, `http://127.0.0.1:${port}`);
  }

  /** Of what came so far. */
  async counts(): Promise<ReceiverCounts> {
    this.child.send('counts');
    return ((await once(this.child, 'message')) as [ReceiverCounts])[0];
  }

  ail(how: Ailment): void {
    if (how === 'stopped') this.child.kill('SIGSTOP');
    else this.child.send('trickle');
  }

  recover(): void {
    // Whichever it was.
    this.child.kill('SIGCONT');
    this.child.send('whole');
  }

  async stop(): Promise<void> {
    // One that hangs would not hear of it.
    this.child.kill('SIGCONT');
    const exited = once(this.child, 'exit');
    this.child.disconnect();
    await exited;
  }
}
