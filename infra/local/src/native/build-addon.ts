import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { LocalConfig } from '../local.config.js';
import { extractFilesFromWheel } from '../provide/extract-from-wheel.js';
import { findExecutable } from '../provide/find-executable.js';
import { type WheelRequest, withWheel } from '../provide/pip-download.js';
import { ProvisionError, ProvisionErrorCode } from '../provide/provision-error.js';
import type { Reporter } from '../reporter.js';
import { addCudaLibraries, cudaRequirements } from './cuda-libraries.js';
import { NATIVE_PACKAGES, type NativeKind, NODE_API_HEADERS, packageDirectory } from './native-package.js';
import { lastLines, runProgram } from './run-program.js';

const LIBRARIES = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];
/** What the addon's sources include, directly or not. */
const HEADER = /^(tensorflow\/include\/(?:tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/.+\.h)$/;
const METADATA = /^[^/]+\.dist-info\/METADATA$/;
/** The newest Node-API that node-pre-gyp looks for in this package; every Node since 15.12 has it. */
const NODE_API = 8;

/** @throws ProvisionError `no_compiler`, `no_python`, or `native_failed` on a machine that the wheels are not made for */
export async function assertCanBuild(kind: NativeKind, config: LocalConfig): Promise<void> {
  const { name, wheels } = NATIVE_PACKAGES[kind];
  if (process.platform !== 'linux' || wheels[process.arch] === undefined) {
    throw new ProvisionError(
      ProvisionErrorCode.NATIVE_FAILED,
      `${name} can be built on Linux (${Object.keys(wheels).join(', ')}) only, and this is ${process.platform} ${process.arch}. Install it yourself (npm install ${name}), or use the wasm backend.`,
    );
  }
  if ((await findCompiler(config)) === null) {
    throw new ProvisionError(
      ProvisionErrorCode.NO_COMPILER,
      `no C++ compiler on PATH, which would build the addon of ${name}. Install g++ (apt install g++, dnf install gcc-c++), or set CXX.`,
    );
  }
  if ((await findExecutable(['python3', 'python'], config.searchPath)) === null) {
    throw new ProvisionError(
      ProvisionErrorCode.NO_PYTHON,
      `no python3 on PATH, whose pip would download TensorFlow for ${name}. Install python3 with pip.`,
    );
  }
}

/**
 * Builds the addon from the sources in the npm package against libtensorflow from PyPI, which is put beside it.
 *
 * @throws ProvisionError `native_failed` with the compiler's words; of the wheel
 */
export async function buildAddon(
  kind: NativeKind,
  installation: string,
  config: LocalConfig,
  reporter: Reporter,
): Promise<void> {
  const libraries = join(packageDirectory(kind, installation), 'deps', 'lib');
  const headers = join(installation, 'include');
  const metadata = join(headers, 'METADATA');
  const request = { ...NATIVE_PACKAGES[kind].wheels[process.arch]!, target: TARGET, parent: installation };
  await withWheel({ ...request, config, reporter }, async (wheel) => {
    reporter.note('Unpacking libtensorflow.');
    await extractFilesFromWheel(wheel, (name) => {
      if (LIBRARIES.some((library) => name === `tensorflow/${library}`)) return join(libraries, basename(name));
      if (METADATA.test(name)) return metadata;
      const header = HEADER.exec(name)?.[1];
      return header === undefined ? null : join(headers, header.slice('tensorflow/include/'.length));
    });
  });
  if (kind === 'gpu') {
    const requirements = cudaRequirements(await readFile(metadata, 'utf8'));
    await addCudaLibraries(requirements, libraries, { target: TARGET, parent: installation, config, reporter });
  }
  await strip(libraries, config);
  reporter.note('Compiling the addon.');
  await compile(kind, installation, headers, libraries, config);
  await rm(headers, { recursive: true });
}

/** Only the wheel's libraries are used, which are the same for every Python; 3.11 is one that all these wheels are made for. */
const TARGET: NonNullable<WheelRequest['target']> = {
  python: '3.11',
  platforms: ['manylinux_2_17', 'manylinux2014', 'manylinux1'].map(
    (platform) => `${platform}_${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}`,
  ),
};

async function compile(
  kind: NativeKind,
  installation: string,
  headers: string,
  libraries: string,
  config: LocalConfig,
): Promise<void> {
  const packagePath = packageDirectory(kind, installation);
  const output = join(packagePath, 'lib', `napi-v${NODE_API}`);
  await mkdir(output, { recursive: true });
  const args = [
    ...['-shared', '-fPIC', '-O2', '-std=c++17', `-DNAPI_VERSION=${NODE_API}`],
    ...[join(installation, 'node_modules', NODE_API_HEADERS.name, 'include'), headers, packagePath].map(
      (d) => `-I${d}`,
    ),
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((source) => join(packagePath, 'binding', source)),
    `-L${libraries}`,
    ...LIBRARIES.map((library) => `-l:${library}`),
    // Relative, so that the installation can be moved.
    '-Wl,-rpath,$ORIGIN/../../deps/lib',
    ...['-o', join(output, 'tfjs_binding.node')],
  ];
  const compiler = (await findCompiler(config))!;
  const result = await runProgram(compiler, args, { env: config.environment });
  if (result.exitCode === 0) return;
  throw new ProvisionError(
    ProvisionErrorCode.NATIVE_FAILED,
    `${compiler} could not build the addon of ${NATIVE_PACKAGES[kind].name}:\n${lastLines(result.output)}`,
  );
}

/** Symbols for debuggers are a quarter of libtensorflow. Without binutils they stay. */
async function strip(libraries: string, config: LocalConfig): Promise<void> {
  const program = await findExecutable(['strip'], config.searchPath);
  if (program === null) return;
  const files = LIBRARIES.map((library) => join(libraries, library));
  await runProgram(program, ['--strip-unneeded', ...files], { env: config.environment });
}

function findCompiler({ environment, searchPath }: LocalConfig): Promise<string | null> {
  const chosen = environment['CXX']?.trim();
  return findExecutable(chosen ? [chosen] : ['g++', 'c++', 'clang++'], chosen?.includes('/') ? ['/'] : searchPath);
}
