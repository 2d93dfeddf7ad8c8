import { runProgram } from '../cli/run-program.js';
import type { ServeSurroundings } from '../cli/serve.js';
import { localConfigFromEnv } from '../local.config.js';
import type { ProgressStream } from '../progress.js';
import { reporterTo } from '../reporter.js';
import { runDemo } from './demo.js';
import { parseTraceCommand, TRACE_USAGE } from './demo-options.js';
import { printTrace } from './print-trace.js';

export interface TraceSurroundings extends ServeSurroundings {
  readonly output?: ProgressStream;
}

/** `npm run trace`. Resolves with the exit code: 0 after Ctrl-C too, 1 when it failed, 2 for a wrong command line. */
export function runTrace(argv: readonly string[], surroundings: TraceSurroundings = {}): Promise<number> {
  const { output = process.stdout } = surroundings;
  const reporter = reporterTo(output);
  return runProgram(TRACE_USAGE, reporter, async (stop) => {
    const command = parseTraceCommand(argv, localConfigFromEnv().environment);
    if (command === null) reporter.note(TRACE_USAGE);
    else if (command.kind === 'demo') return runDemo(command.options, stop, reporter, output, surroundings);
    else await printTrace(command.path, command.rid, output);
    return 0;
  });
}
