import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { localConfigFromEnv } from '../local.config.js';
import { ProvisionErrorCode } from '../provide/provision-error.js';
import { Sandbox } from '../provide/sandbox.fixture.js';
import { type Reporter, SILENT_REPORTER } from '../reporter.js';
import { checkNative } from './check-native.js';
import { installNative } from './install-native.js';
import { runNativeCli } from './native-cli.js';
import { nativeDirectory } from './native-package.js';

/** Where `npm test` has it; installed here when it is not there, which takes about half a minute and 230 MB of download. */
const config = localConfigFromEnv();

describe('the native backend', () => {
  test('is installed once, loads and computes', async () => {
    const first = await installNative({ kind: 'node', config });
    const notes: string[] = [];
    const reporter: Reporter = { ...SILENT_REPORTER, note: (message) => void notes.push(message) };
    expect(await installNative({ kind: 'node', config, reporter })).toEqual(first);
    expect(notes).toEqual([]);
    expect(await checkNative('node', first.directory, config)).toMatchObject({
      version: '4.22.0',
      gpu: false,
      gpuProblem: null,
    });
    expect(await runNativeCli([], config, reporter)).toBe(0);
    expect(notes.join('\n')).toMatch(
      /backend: node \(tfjs-node 4\.22\.0\)\nTensorFlow: 2\.\d+\.\d+ .*\ncomputes on: the CPU/,
    );
  }, 180_000);

  describe('in a machine of its own', () => {
    let sandbox: Sandbox;

    beforeEach(async () => void (sandbox = await Sandbox.create()));
    afterEach(() => sandbox.remove());

    const leave = async (name: string, text: string) => {
      const directory = nativeDirectory('node', sandbox.config());
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, name), text);
      return directory;
    };
    const install = (force = false) =>
      installNative({ kind: 'node', force, config: sandbox.config(), reporter: sandbox.reporter });
    const NO_NPM = { code: ProvisionErrorCode.NATIVE_FAILED, message: expect.stringContaining('no npm on PATH') };

    test('half an installation is none, a whole one is taken unless it is to be made anew', async () => {
      await leave('package.json', '{}');
      await expect(install()).rejects.toMatchObject(NO_NPM);
      const directory = await leave('installed.json', '{"source":"pypi"}');
      expect(await install()).toEqual({ kind: 'node', directory, source: 'pypi' });
      await expect(install(true)).rejects.toMatchObject(NO_NPM);
      expect(await install()).toMatchObject({ directory });
    });

    test('one that does not load says how to mend it', async () => {
      const directory = await leave('installed.json', '{"source":"pypi"}');
      const check = checkNative('node', directory, localConfigFromEnv());
      await expect(check).rejects.toThrow(/does not load[^]*Cannot find module[^]*npm run native -- --force/);
    });

    test('SLICEWAY_NATIVE says where, else the cache', () => {
      const elsewhere = sandbox.config({ SLICEWAY_NATIVE: '/elsewhere' });
      expect(nativeDirectory('node', elsewhere)).toBe('/elsewhere/tfjs-node-4.22.0');
      expect(nativeDirectory('gpu', elsewhere)).toBe('/elsewhere/tfjs-node-gpu-4.22.0');
      expect(sandbox.config({ XDG_CACHE_HOME: '/cache' }).nativeDirectory).toBe('/cache/sliceway/native');
    });

    test('a wrong option is refused with the usage', async () => {
      expect(await runNativeCli(['--tpu'], sandbox.config(), sandbox.reporter)).toBe(2);
      expect(sandbox.notes.join('\n')).toMatch(/'--tpu'[^]*npm run native -- \[options\]/);
    });
  });
});
