import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HubServer } from './download/hub-server.fixture.js';
import { fillModelVolume } from './model-volume.js';

const REPO = 'owner/tiny-GGUF';
const FILE = 'tiny.Q4_1.gguf';
const content = randomBytes(1_000_000);

describe('fillModelVolume', () => {
  let hub: HubServer;
  let directory: string;

  beforeEach(async () => {
    hub = await new HubServer(REPO).start();
    hub.add(FILE, content);
    directory = await mkdtemp(join(tmpdir(), 'sliceway-volume-'));
    notices = [];
  });
  afterEach(async () => {
    await hub.stop();
    await rm(directory, { recursive: true });
  });

  let notices: string[];
  const fill = (source: string | null) =>
    fillModelVolume({
      source,
      directory,
      hub: {
        onNotice: (notice) => notices.push(notice),
        endpoint: hub.endpoint,
        token: null,
        offline: false,
        retry: { attempts: 1, baseDelayMs: 1, maxDelayMs: 1 },
      },
    });
  const current = () => readlink(join(directory, 'current'));

  test.each([REPO, `${REPO}:${FILE}`])('%s is downloaded once', async (source) => {
    expect(await fill(source)).toBe(join(directory, 'owner--tiny-GGUF', FILE));
    expect(await current()).toBe(join('owner--tiny-GGUF', FILE));
    const asked = hub.requests.length;
    await fill(source);
    expect(hub.requests).toHaveLength(asked);
    expect(notices).toEqual([]);
    expect((await readdir(directory)).sort()).toEqual(['current', 'owner--tiny-GGUF']);
  });

  test('a download that was cut off goes on', async () => {
    hub.cuts.push(400_000);
    await expect(fill(REPO)).rejects.toMatchObject({ code: 'interrupted' });
    await expect(current()).rejects.toMatchObject({ code: 'ENOENT' });
    await fill(REPO);
    expect(hub.cdnRanges).toEqual(['', 'bytes=400000-']);
    expect(await current()).toBe(join('owner--tiny-GGUF', FILE));
  });

  test.each([null, REPO])('a file that was copied in is linked without network (source %s)', async (source) => {
    await writeFile(join(directory, 'my.gguf'), content);
    await fill(source);
    expect(await current()).toBe('my.gguf');
    expect(hub.requests).toEqual([]);
    const ignored = `SLICEWAY_MODEL_SOURCE=${REPO} is not used: ${join(directory, 'my.gguf')} was put there by hand`;
    expect(notices).toEqual(source === null ? [] : [expect.stringContaining(ignored)]);
  });

  test('a folder that was copied in; the link follows what is asked for', async () => {
    await mkdir(join(directory, 'mine'));
    await writeFile(join(directory, 'mine', 'config.json'), '{}');
    await fill(null);
    expect(await current()).toBe('mine');
    await writeFile(join(directory, 'other.gguf'), content);
    await expect(fill(null)).rejects.toThrow(/several models.*mine, other\.gguf/);
    await fill('other.gguf');
    expect(await current()).toBe('other.gguf');
    expect(notices).toEqual([]);
  });

  test('another source after the first', async () => {
    await fill(REPO);
    hub.add('second.gguf', content);
    await fill(`${REPO}:second.gguf`);
    expect(await current()).toBe(join('owner--tiny-GGUF', 'second.gguf'));
  });

  test('what is called current and is no link stays', async () => {
    await mkdir(join(directory, 'current'));
    expect(await fill(REPO)).toBe(join(directory, 'current'));
    expect(hub.requests).toEqual([]);
    expect(notices).toEqual([expect.stringContaining(`=${REPO} is not used`)]);
  });

  test.each([
    [null, /has no model: copy one into it/],
    ['my.gguf', /has no model "my\.gguf", and it is no hub id/],
    ['owner/tiny-GGUF:model.bin', /is no \.gguf file/],
  ])('%s in an empty volume is refused', async (source, reason) => {
    await expect(fill(source)).rejects.toThrow(reason);
    expect(await readdir(directory)).toEqual([]);
  });

  /** Runs the program as the init step does. */
  const run = async (env: Record<string, string>) => {
    const program = fileURLToPath(new URL('./fetch-model.js', import.meta.url));
    const child = spawn(process.execPath, [program], { env: { SLICEWAY_MODEL_DIR: directory, ...env } });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    const [code] = (await once(child, 'close')) as [number];
    return { code, output };
  };

  test('the program', async () => {
    const { code, output } = await run({ SLICEWAY_MODEL_SOURCE: REPO, HF_ENDPOINT: hub.endpoint });
    expect(output).toContain(`the model is ${join(directory, 'owner--tiny-GGUF', FILE)}`);
    expect(code).toBe(0);
  });

  test('the program without a model', async () => {
    const { code, output } = await run({ SLICEWAY_MODEL_SOURCE: '' });
    expect(output).toMatch(/^fetch-model: .* has no model: copy one into it, or set SLICEWAY_MODEL_SOURCE[^\n]*\n$/);
    expect(code).toBe(1);
  });
});
