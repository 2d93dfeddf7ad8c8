import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DownloadErrorCode } from './download-error.js';
import { type DownloadProgress, downloadFromHub, type HubDownloadOptions } from './download-from-hub.js';
import { HubServer } from './hub-server.fixture.js';

const RETRY = { attempts: 3, baseDelayMs: 1, maxDelayMs: 4 };
const FILE = 'tiny.Q4_1.gguf';
const content = randomBytes(1_000_000);

describe('downloadFromHub', () => {
  let hub: HubServer;
  let directory: string;

  beforeEach(async () => {
    hub = await new HubServer('owner/tiny-GGUF').start();
    hub.add(FILE, content);
    directory = await mkdtemp(join(tmpdir(), 'sliceway-hub-'));
  });

  afterEach(async () => {
    await hub.stop();
    await rm(directory, { recursive: true });
  });

  const downloadRepo = (options: Partial<HubDownloadOptions> = {}) =>
    downloadFromHub({ repo: hub.repo, directory, endpoint: hub.endpoint, token: null, retry: RETRY, ...options });
  const download = (options: Partial<HubDownloadOptions> = {}) => downloadRepo({ file: FILE, ...options });
  const expectWhole = async (path = FILE, whole = content) =>
    expect((await readFile(join(directory, path))).equals(whole)).toBe(true);

  test('downloads one file, by commit, and leaves nothing else behind', async () => {
    const progress: DownloadProgress[] = [];
    const { commit, files } = await download({ onProgress: (event) => progress.push(event) });
    expect(files).toEqual([join(directory, FILE)]);
    expect(commit).toBe(hub.commit);
    await expectWhole();
    expect(await readdir(directory)).toEqual([FILE]);
    expect(hub.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'HEAD /owner/tiny-GGUF/resolve/main/tiny.Q4_1.gguf',
      `GET /owner/tiny-GGUF/resolve/${hub.commit}/tiny.Q4_1.gguf`,
      'GET /blob/tiny.Q4_1.gguf?signature=1',
    ]);
    expect(progress.at(-1)).toEqual({ file: FILE, receivedBytes: 1_000_000, totalBytes: 1_000_000 });
    expect(progress.every((event, i) => i === 0 || event.receivedBytes >= progress[i - 1]!.receivedBytes)).toBe(true);
  });

  test('a broken connection is continued where it broke', async () => {
    hub.cuts.push(300_000, 200_000);
    const notices: string[] = [];
    await download({ onNotice: (message) => notices.push(message) });
    await expectWhole();
    expect(hub.cdnRanges).toEqual(['', 'bytes=300000-', 'bytes=500000-']);
    expect(notices).toHaveLength(2);
  });

  test('a later run continues what an earlier one left', async () => {
    hub.cuts.push(300_000, 0, 0);
    await expect(download()).rejects.toMatchObject({ code: DownloadErrorCode.INTERRUPTED });
    expect(await readdir(directory)).toEqual([`${FILE}.part`]);
    await download();
    await expectWhole();
    expect(hub.cdnRanges.at(-1)).toBe('bytes=300000-');
  });

  test('what an earlier run left of another version is thrown away', async () => {
    await writeFile(join(directory, `${FILE}.part`), randomBytes(400_000));
    await download();
    await expectWhole();
    expect(hub.cdnRanges).toEqual(['bytes=400000-', '']);
  });

  test.each([
    ['as long as the file', 1_000_000],
    ['longer than the file', 1_000_001],
  ])('a wrong part %s is thrown away', async (_name, size) => {
    await writeFile(join(directory, `${FILE}.part`), randomBytes(size));
    await download();
    await expectWhole();
  });

  test('a part that is already whole is only verified', async () => {
    await writeFile(join(directory, `${FILE}.part`), content);
    await download();
    await expectWhole();
    expect(hub.cdnRanges).toEqual([]);
  });

  test('a server that ignores Range gets to send the file from its beginning', async () => {
    hub.ignoresRange = true;
    hub.cuts.push(300_000);
    await download();
    await expectWhole();
    expect(hub.cdnRanges).toEqual(['', 'bytes=300000-']);
  });

  test('wrong content is deleted and refused', async () => {
    hub.servedInstead = randomBytes(content.length);
    await expect(download()).rejects.toMatchObject({ code: DownloadErrorCode.CHECKSUM_MISMATCH });
    expect(await readdir(directory)).toEqual([]);
  });

  test('a file other than the wanted one is not even downloaded', async () => {
    await expect(download({ sha256: '0'.repeat(64) })).rejects.toMatchObject({
      code: DownloadErrorCode.CHECKSUM_MISMATCH,
    });
    expect(hub.cdnRanges).toEqual([]);
  });

  test('content of another size is deleted and refused', async () => {
    hub.servedInstead = content.subarray(1);
    await expect(download()).rejects.toMatchObject({ code: DownloadErrorCode.SIZE_MISMATCH });
    expect(await readdir(directory)).toEqual([]);
  });

  test('a server that sends a byte and hangs is given up, and what came is kept', async () => {
    hub.stalls = true;
    await expect(download({ idleTimeoutMs: 50 })).rejects.toMatchObject({ code: DownloadErrorCode.INTERRUPTED });
    expect(await readFile(join(directory, `${FILE}.part`))).toEqual(content.subarray(0, 3));
  });

  test('a finished file is not asked for again; a changed one is', async () => {
    await download();
    await download();
    expect(hub.cdnRanges).toHaveLength(1);
    hub.add(FILE, Buffer.from('new'));
    await download();
    await expectWhole(FILE, Buffer.from('new'));
  });

  test('two downloads at once fetch the file once', async () => {
    await Promise.all([download(), download()]);
    expect(hub.cdnRanges).toHaveLength(1);
    expect(await readdir(directory)).toEqual([FILE]);
  });

  test('the token goes to the hub and not to its CDN', async () => {
    hub.requiredToken = 'hf_secret';
    await download({ token: 'hf_secret' });
    await expectWhole();
    const tokensOf = (host: string) =>
      hub.requests.filter((seen) => seen.host === host).map((seen) => seen.authorization);
    expect(tokensOf('hub')).toEqual(['Bearer hf_secret', 'Bearer hf_secret']);
    expect(tokensOf('cdn')).toEqual([undefined]);
  });

  test('a private repository without a token, and names that do not exist', async () => {
    await expect(download({ file: 'other.gguf' })).rejects.toMatchObject({
      code: DownloadErrorCode.NOT_FOUND,
      status: 404,
    });
    await expect(download({ repo: 'owner/other' })).rejects.toMatchObject({ code: DownloadErrorCode.NOT_FOUND });
    await expect(download({ revision: 'v9' })).rejects.toThrow(/Invalid rev id: v9/);
    hub.requiredToken = 'hf_secret';
    await expect(download()).rejects.toMatchObject({ code: DownloadErrorCode.UNAUTHORIZED });
    await expect(download({ token: 'hf_wrong' })).rejects.toThrow(/HF_TOKEN/);
  });

  test('a renamed repository is followed and keeps the token', async () => {
    hub.requiredToken = 'hf_secret';
    await download({ repo: 'old/name', token: 'hf_secret' });
    await expectWhole();
  });

  test('an overloaded hub is asked again, and given up after the last try', async () => {
    hub.faults.push({ status: 503 }, { status: 429, headers: { 'retry-after': '0' } });
    await download();
    hub.faults.push({ status: 500 }, { status: 502 }, { status: 504 });
    await expect(download()).rejects.toMatchObject({ code: DownloadErrorCode.HTTP_STATUS, status: 504 });
  });

  test('a hub that asks for an hour of patience is given up at once', async () => {
    hub.faults.push({ status: 429, headers: { 'retry-after': '3600' } });
    await expect(download()).rejects.toMatchObject({ code: DownloadErrorCode.HTTP_STATUS, status: 429 });
  });

  test('nobody there', async () => {
    await hub.stop();
    await expect(download()).rejects.toMatchObject({ code: DownloadErrorCode.UNREACHABLE });
  });

  test('a caller with another source does not wait', async () => {
    hub.faults.push({ status: 503 });
    await expect(download({ reach: { attempts: 1, timeoutMs: 1000 } })).rejects.toMatchObject({ status: 503 });
    hub.cuts.push(300_000);
    await download({ reach: { attempts: 1, timeoutMs: 1000 } });
    await expectWhole();
  });

  test('a server that is no hub', async () => {
    hub.faults.push({ status: 200 }, { status: 200 });
    await expect(download()).rejects.toMatchObject({ code: DownloadErrorCode.NO_METADATA });
    await expect(downloadRepo()).rejects.toMatchObject({ code: DownloadErrorCode.NO_METADATA });
  });

  test('offline mode asks nobody', async () => {
    await expect(download({ offline: true })).rejects.toMatchObject({ code: DownloadErrorCode.OFFLINE });
    expect(hub.requests).toEqual([]);
  });

  describe('without a file name', () => {
    const shards = [1, 2].map((i) => ({
      path: `model-0000${i}-of-00002.safetensors`,
      content: randomBytes(200_000 + i),
    }));
    const config = Buffer.from('{"model_type":"llama"}');

    beforeEach(() => {
      hub.add('config.json', config, false);
      hub.add('nested/dir/größe 1.txt', Buffer.from('x'), false);
      for (const shard of shards) hub.add(shard.path, shard.content);
    });

    test('takes what is selected of a sharded repository, in one commit', async () => {
      const progress: DownloadProgress[] = [];
      const { files } = await downloadRepo({
        select: (paths) => paths.filter((path) => !path.endsWith('.gguf')),
        onProgress: (event) => progress.push(event),
      });
      const paths = ['config.json', 'nested/dir/größe 1.txt', ...shards.map(({ path }) => path)];
      expect(files).toEqual(paths.map((path) => join(directory, path)));
      await expectWhole('config.json', config);
      for (const shard of shards) await expectWhole(shard.path, shard.content);
      expect(hub.requests[0]?.url).toBe('/api/models/owner/tiny-GGUF/revision/main');
      expect(hub.requests.slice(1).every(({ host, url }) => host === 'cdn' || url.includes(hub.commit))).toBe(true);
      const totalBytes = 400_003 + config.length + 1;
      expect(progress.at(-1)).toMatchObject({ receivedBytes: totalBytes, totalBytes });
    });

    test('continues with the shard that is missing', async () => {
      const select = (paths: readonly string[]) => paths.filter((path) => path.startsWith('model-'));
      hub.cuts.push(null, 50_000, 0, 0);
      await expect(downloadRepo({ select })).rejects.toMatchObject({ code: DownloadErrorCode.INTERRUPTED });
      await downloadRepo({ select });
      expect(hub.cdnRanges.at(-1)).toBe('bytes=50000-');
      for (const shard of shards) await expectWhole(shard.path, shard.content);
    });
  });

  test.each(['../escape', 'a//b', '/etc/passwd', 'a/./b', 'a\\..\\b', 'C:evil'])(
    'refuses the path %s',
    async (file) => {
      await expect(download({ file })).rejects.toMatchObject({ code: DownloadErrorCode.BAD_NAME });
      hub.add(file, Buffer.from('x'));
      await expect(downloadRepo()).rejects.toMatchObject({ code: DownloadErrorCode.BAD_NAME });
    },
  );

  test.each(['', 'a/b/c', '../x', 'owner/', 'o wner/x', 'owner/..'])('refuses the repository "%s"', async (repo) => {
    await expect(download({ repo })).rejects.toMatchObject({ code: DownloadErrorCode.BAD_NAME });
  });
});
