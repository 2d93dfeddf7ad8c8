import { StartError, StartErrorCode } from '../cluster/start-error.js';
import type { Reporter } from '../reporter.js';
import { UsageError } from './cli-options.js';
import { StopRequest } from './stop-request.js';

const KNOWN_ERRORS = new Set(['ProvisionError', 'DownloadError', 'StartError', 'PortError', 'TraceError']);

/** A program that Ctrl-C stops; errors become text. Resolves with the exit code: 2 for a wrong command line. */
export async function runProgram(
  usage: string,
  reporter: Reporter,
  body: (stop: StopRequest) => Promise<number>,
): Promise<number> {
  const stop = new StopRequest(reporter);
  try {
    return await body(stop);
  } catch (error) {
    if (error instanceof StartError && error.code === StartErrorCode.ABORTED) return 0;
    const { name, message, stack } = error as Error;
    if (error instanceof UsageError) reporter.note(`${message}\n\n${usage}`);
    // The known ones say what to do; of others the stack is all there is.
    else reporter.note(`\n${KNOWN_ERRORS.has(name) ? message : (stack ?? message)}`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    stop.close();
  }
}
