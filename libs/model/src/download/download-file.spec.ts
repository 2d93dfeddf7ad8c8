import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DownloadErrorCode } from './download-error.js';
import { downloadFile, type DownloadFileOptions } from './download-file.js';

const RETRY = { attempts: 3, baseDelayMs: 1, maxDelayMs: 4 };

/** A plain web server: no checksum, no size beforehand. */
describe('downloadFile', () => {
  const first = randomBytes(200_000);
  const second = randomBytes(200_000);
  let server: Server;
  let directory: string;
  let ranges: (string | undefined)[];
  let versions: { content: Buffer; etag: string | null; cutBytes?: number; chunked?: boolean }[];

  beforeEach(async () => {
    ranges = [];
    server = createServer((request, response) => {
      ranges.push(request.headers.range);
      const { content, etag, cutBytes, chunked } = versions.length > 1 ? versions.shift()! : versions[0]!;
      const isSame = etag !== null && request.headers['if-range'] === etag;
      const start = isSame ? Number(/\d+/.exec(request.headers.range ?? '0')![0]) : 0;
      const range = { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` };
      response.writeHead(start > 0 ? 206 : 200, {
        ...(etag === null ? {} : { etag }),
        ...(chunked === true ? {} : { 'content-length': content.length - start }),
        ...(start > 0 ? range : {}),
      });
      if (cutBytes === undefined) return void response.end(content.subarray(start));
      response.write(content.subarray(start, start + cutBytes), () => setTimeout(() => response.destroy(), 20));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    directory = await mkdtemp(join(tmpdir(), 'sliceway-file-'));
  });

  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });

  const download = async (options: Partial<DownloadFileOptions> = {}) => {
    const path = join(directory, 'file');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
    await downloadFile({ url, path, retry: RETRY, ...options });
    return readFile(path);
  };

  test('continues while the ETag stays, in one run', async () => {
    versions = [
      { content: first, etag: '"1"', cutBytes: 90_000 },
      { content: first, etag: '"1"' },
    ];
    expect((await download()).equals(first)).toBe(true);
    expect(ranges).toEqual([undefined, 'bytes=90000-']);
  });

  test('starts over when the file changes meanwhile', async () => {
    versions = [
      { content: first, etag: '"1"', cutBytes: 90_000 },
      { content: second, etag: '"2"' },
    ];
    expect((await download()).equals(second)).toBe(true);
  });

  test.each([null, 'W/"1"'])('starts over when nothing identifies the file (ETag %s)', async (etag) => {
    versions = [
      { content: first, etag, cutBytes: 90_000 },
      { content: second, etag },
    ];
    expect((await download()).equals(second)).toBe(true);
    expect(ranges).toEqual([undefined, undefined]);
  });

  test('a length that nobody knows', async () => {
    versions = [{ content: first, etag: null, chunked: true }];
    const totals = new Set<number | null>();
    expect((await download({ onProgress: (_received, total) => totals.add(total) })).equals(first)).toBe(true);
    expect([...totals]).toEqual([null]);
  });

  test('what an earlier run left is not continued without a checksum', async () => {
    versions = [{ content: first, etag: '"1"' }];
    await writeFile(join(directory, 'file.part'), randomBytes(100));
    expect((await download()).equals(first)).toBe(true);
  });

  test('a known checksum is enforced', async () => {
    versions = [{ content: first, etag: '"1"' }];
    const digest = createHash('sha256').update(second).digest('hex');
    const expected = { checksum: { algorithm: 'sha256', digest } } as const;
    await expect(download({ expected })).rejects.toMatchObject({ code: DownloadErrorCode.CHECKSUM_MISMATCH });
    expect(await readdir(directory)).toEqual([]);
  });

  test('a disk that cannot hold it is named before anything is asked for', async () => {
    versions = [{ content: first, etag: '"1"' }];
    await expect(download({ expected: { sizeBytes: 2 ** 60 } })).rejects.toMatchObject({
      code: DownloadErrorCode.DISK_FULL,
    });
    expect(ranges).toEqual([]);
  });
});
