import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { withFileLock } from '@sliceway/model';
import { type LocalConfig, localConfigFromEnv } from '../local.config.js';
import { findExecutable } from '../provide/find-executable.js';
import { ProvisionError, ProvisionErrorCode } from '../provide/provision-error.js';
import { type Reporter, reporterTo } from '../reporter.js';
import { assertCanBuild, buildAddon } from './build-addon.js';
import { checkNative } from './check-native.js';
import {
  NATIVE_PACKAGES,
  nativeDirectory,
  type NativeKind,
  NODE_API_HEADERS,
  packageDirectory,
} from './native-package.js';
import { runOwnInstaller } from './own-installer.js';
import { lastLines, runProgram } from './run-program.js';
import { trimTfjs } from './trim-tfjs.js';

export interface InstallNativeOptions {
  readonly kind: NativeKind;
  /** Installs anew what is there. */
  readonly force?: boolean;
  readonly config?: LocalConfig;
  readonly reporter?: Reporter;
}

/** An installed native backend. */
export interface NativeInstallation {
  readonly kind: NativeKind;
  readonly directory: string;
  /** Where libtensorflow is from: the package's own installer, or PyPI. */
  readonly source: 'installer' | 'pypi';
}

/**
 * Installs a native backend of TensorFlow.js into a folder of its own, unless it is there. The folder takes its name when all
 * is in it and has been tried, so there are no half installations; one process at a time installs.
 *
 * @throws ProvisionError with what is missing on this machine
 */
export async function installNative(options: InstallNativeOptions): Promise<NativeInstallation> {
  const { kind, force = false, config = localConfigFromEnv(), reporter = reporterTo() } = options;
  const directory = nativeDirectory(kind, config);
  const found = force ? null : await readInstallation(kind, directory);
  if (found !== null) return found;
  return withFileLock(
    `${directory}.lock`,
    async () => (force ? null : await readInstallation(kind, directory)) ?? install(kind, directory, config, reporter),
    reporter.note,
  ).catch((cause: unknown) => {
    if (cause instanceof ProvisionError) throw cause;
    const message = `cannot install into ${directory}: ${(cause as Error).message}. Make room there, or set SLICEWAY_NATIVE to another folder.`;
    throw new ProvisionError(ProvisionErrorCode.NATIVE_FAILED, message, { cause });
  });
}

async function readInstallation(kind: NativeKind, directory: string): Promise<NativeInstallation | null> {
  const text = await readFile(join(directory, RECORD), 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    return { kind, directory, ...(JSON.parse(text) as Pick<NativeInstallation, 'source'>) };
  } catch {
    // Cut short by a full disk, perhaps: installed anew.
    return null;
  }
}

/** Written last, before the folder takes its name. */
const RECORD = 'installed.json';

/** Nothing is left of an installation that fails. */
async function install(
  kind: NativeKind,
  directory: string,
  config: LocalConfig,
  reporter: Reporter,
): Promise<NativeInstallation> {
  if (!NATIVE_PACKAGES[kind].hasOwnInstaller) await assertCanBuild(kind, config);
  const unfinished = `${directory}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  try {
    const source = await fill(unfinished, kind, config, reporter);
    await rm(directory, { recursive: true, force: true });
    await rename(unfinished, directory);
    return { kind, directory, source };
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

async function fill(
  unfinished: string,
  kind: NativeKind,
  config: LocalConfig,
  reporter: Reporter,
): Promise<NativeInstallation['source']> {
  const { hasOwnInstaller } = NATIVE_PACKAGES[kind];
  await installPackage(kind, unfinished, config, reporter);
  await trimTfjs(unfinished);
  const source =
    hasOwnInstaller && (await isInstalledByItself(kind, unfinished, config, reporter)) ? 'installer' : 'pypi';
  if (source === 'pypi') {
    await assertCanBuild(kind, config);
    await buildAddon(kind, unfinished, config, reporter);
  }
  await checkNative(kind, unfinished, config);
  await writeFile(join(unfinished, RECORD), `${JSON.stringify({ source })}\n`);
  return source;
}

/** npm, without the install scripts: what they do comes afterwards. */
async function installPackage(
  kind: NativeKind,
  directory: string,
  config: LocalConfig,
  reporter: Reporter,
): Promise<void> {
  const { name, version } = NATIVE_PACKAGES[kind];
  reporter.note(`Installing ${name} ${version} with npm.`);
  const dependencies = { [name]: version, [NODE_API_HEADERS.name]: NODE_API_HEADERS.version };
  await writeFile(join(directory, 'package.json'), JSON.stringify({ private: true, dependencies }, null, 2));
  const args = ['install', '--prefix', directory, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const npm = await findNpm(config);
  const options = { cwd: directory, env: config.environment };
  const { exitCode, output } = await runProgram(npm[0]!, [...npm.slice(1), ...args], options);
  if (exitCode === 0) return;
  throw new ProvisionError(ProvisionErrorCode.NATIVE_FAILED, `npm could not install ${name}:\n${lastLines(output)}`);
}

/** The npm that runs us, if one does, else that on PATH. */
async function findNpm({ environment, searchPath }: LocalConfig): Promise<string[]> {
  const script = environment['npm_execpath'];
  if (script !== undefined && basename(script) === 'npm-cli.js') return [process.execPath, script];
  const npm = await findExecutable(['npm'], searchPath);
  if (npm !== null) return [npm];
  throw new ProvisionError(ProvisionErrorCode.NATIVE_FAILED, 'no npm on PATH, which comes with Node.js');
}

async function isInstalledByItself(
  kind: NativeKind,
  directory: string,
  config: LocalConfig,
  reporter: Reporter,
): Promise<boolean> {
  const packagePath = packageDirectory(kind, directory);
  const problem =
    (await runOwnInstaller(packagePath, config, reporter)) ??
    (await checkNative(kind, directory, config).then(
      () => null,
      (error: Error) => error.message,
    ));
  if (problem === null) return true;
  reporter.note(`Not from the package's own installer (${problem}); building the addon against TensorFlow from PyPI.`);
  for (const folder of ['deps', 'lib']) await rm(join(packagePath, folder), { recursive: true, force: true });
  return false;
}
