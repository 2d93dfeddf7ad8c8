import { NX_ENVIRONMENT } from './environment.config.mjs';
import { pruneCompiled } from './prune.mjs';
import { binOf, fail, note, run } from './shell.mjs';

function nx(target, args, quiet) {
  // Sync generators would have a say in tsconfig files, and refuse to build until they had it.
  const nxArgs = [binOf('nx'), 'run-many', '-t', target, '--outputStyle=static', '--skipSync', ...args];
  return run(process.execPath, nxArgs, { quiet, env: NX_ENVIRONMENT });
}

/** Compiles all packages; what has not changed comes out of Nx's cache. */
export function build({ args = [], quiet }) {
  const startMs = Date.now();
  if (quiet) note('Building.');
  const status = nx('build', args, quiet);
  if (status !== 0) fail('The build failed; its messages are above.', status);
  pruneCompiled();
  if (quiet) note(`Built in ${((Date.now() - startMs) / 1000).toFixed(1)} s.`);
}

export function typecheck(args) {
  const status = nx('typecheck', args, false);
  if (status !== 0) process.exit(status);
}

/** ESLint over all packages, then over what belongs to none. */
export function lint(args) {
  const statuses = [
    nx('lint', args, false),
    run(process.execPath, [binOf('eslint'), 'scripts', 'infra/docker', 'jest.config.mjs', 'eslint.config.mjs'], {
      env: NX_ENVIRONMENT,
    }),
  ];
  const failed = statuses.find((status) => status !== 0);
  if (failed !== undefined) process.exit(failed);
}
