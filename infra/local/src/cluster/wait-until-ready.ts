import { describeExit, type ManagedProcess } from './managed-process.js';
import { StartError, StartErrorCode } from './start-error.js';

export interface ReadyOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits for `ready` while the process lives.
 *
 * @throws StartError `exited` when it ends first, `not_ready` after the timeout, `aborted`; it is the caller who stops it
 */
export async function waitUntilReady<T>(child: ManagedProcess, ready: Promise<T>, options: ReadyOptions): Promise<T> {
  const { timeoutMs, signal } = options;
  const listening = new AbortController();
  const fail = new Promise<never>((_resolve, reject) => {
    const give = (code: StartErrorCode, what: string) => {
      if (!listening.signal.aborted) reject(new StartError(code, `${child.name} ${what}${lastWords(child)}`));
    };
    void child.exited.then((exit) => give(StartErrorCode.EXITED, describeExit(exit)));
    const timer = setTimeout(
      () => give(StartErrorCode.NOT_READY, `was not ready within ${timeoutMs / 1000} s`),
      timeoutMs,
    );
    listening.signal.addEventListener('abort', () => clearTimeout(timer));
    const onAbort = () => give(StartErrorCode.ABORTED, 'was not waited for');
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { signal: listening.signal });
  });
  try {
    return await Promise.race([ready, fail]);
  } finally {
    listening.abort();
  }
}

/** What a process said last, and where the rest is. */
export function lastWords(child: Pick<ManagedProcess, 'tail' | 'logFile'>): string {
  const tail = child.tail === '' ? '  (it said nothing)' : child.tail.replace(/^/gm, '  | ');
  return `\n${tail}\n  log: ${child.logFile}`;
}
