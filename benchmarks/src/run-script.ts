import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What a script beside a library prints, as JSON. @throws Error with its `code` and `stderr` if it fails */
export async function runScript<T>(
  script: URL,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 2 ** 24 };
  const { stdout } = await run(process.execPath, [fileURLToPath(script), ...args], options);
  return JSON.parse(stdout) as T;
}
