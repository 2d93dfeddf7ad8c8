import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type LocalConfig, localConfigFromEnv } from '../local.config.js';
import { findExecutable, isExecutable } from '../provide/find-executable.js';
import { ProvisionError, ProvisionErrorCode } from '../provide/provision-error.js';

/** What a Jaeger can be started from. */
export type JaegerSource = { readonly binary: string } | { readonly docker: string };

/**
 * Looks for a Jaeger 1 all-in-one: `SLICEWAY_JAEGER`, `jaeger-all-in-one` on PATH, Docker with a daemon that answers.
 *
 * @throws ProvisionError `bad_setting` if `SLICEWAY_JAEGER` is no program
 */
export async function findJaeger(config: LocalConfig = localConfigFromEnv()): Promise<JaegerSource | null> {
  const { jaeger, searchPath } = config;
  if (jaeger !== null) {
    if (await isExecutable(jaeger)) return { binary: jaeger };
    const message = `SLICEWAY_JAEGER is ${jaeger}, which is no program; correct or unset it`;
    throw new ProvisionError(ProvisionErrorCode.BAD_SETTING, message);
  }
  const onPath = await findExecutable(['jaeger-all-in-one'], searchPath);
  if (onPath !== null) return { binary: onPath };
  const docker = await findExecutable(['docker'], searchPath);
  return docker !== null && (await answers(docker)) ? { docker } : null;
}

async function answers(docker: string): Promise<boolean> {
  try {
    await promisify(execFile)(docker, ['info', '--format', '{{.ServerVersion}}'], { timeout: 10_000 });
    return true;
  } catch {
    return false;
  }
}
