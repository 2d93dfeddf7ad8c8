import { localConfigFromEnv } from '../local.config.js';
import { type Reporter, reporterTo } from '../reporter.js';
import { parseCliOptions, USAGE } from './cli-options.js';
import { runProgram } from './run-program.js';
import { serve, type ServeSurroundings } from './serve.js';
import { summarize } from './summary.js';

export interface CliSurroundings extends ServeSurroundings {
  readonly reporter?: Reporter;
}

/**
 * `npm start`: provides what is missing, starts the cluster, and stays until it is told to stop or nothing can be served any
 * more. Resolves with the exit code: 0 after Ctrl-C, 1 when it failed, 2 for a wrong command line.
 */
export function runCli(argv: readonly string[], surroundings: CliSurroundings = {}): Promise<number> {
  const { reporter = reporterTo(process.stdout) } = surroundings;
  return runProgram(USAGE, reporter, async (stop) => {
    const { environment, otlpEndpoint } = localConfigFromEnv();
    const options = parseCliOptions(argv, environment);
    if (options === null) {
      reporter.note(USAGE);
      return 0;
    }
    return serve(options, stop, reporter, surroundings, {
      async run(up) {
        reporter.note(await summarize(up, otlpEndpoint));
        return true;
      },
    });
  });
}
