import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extractFilesFromWheel } from './extract-from-wheel.js';
import { ProvisionErrorCode } from './provision-error.js';
import { makeWheel, type WheelContent } from './wheel.fixture.js';

describe('extractFilesFromWheel', () => {
  let directory: string;

  beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'sliceway-extract-'))));
  afterEach(() => rm(directory, { recursive: true }));

  const files = { 'a/x.so': Buffer.from('x'), 'a/y.py': Buffer.from('y'), 'b/z.so': Buffer.from('z') };
  const extract = async (content: Partial<WheelContent> = {}) => {
    const wheel = join(directory, 'wheel.whl');
    await writeFile(wheel, makeWheel({ name: 'w', version: '1', files, ...content }));
    return extractFilesFromWheel(wheel, (name) => (name.endsWith('.so') ? join(directory, 'out', name) : null));
  };

  test('unpacks what has a destination, and nothing else', async () => {
    expect(await extract()).toEqual(['a/x.so', 'b/z.so']);
    expect(await readdir(join(directory, 'out'), { recursive: true })).toHaveLength(4);
    expect(await readFile(join(directory, 'out', 'b', 'z.so'), 'utf8')).toBe('z');
  });

  test('refuses a file that is not what RECORD says', async () => {
    await expect(extract({ recorded: { 'b/z.so': Buffer.from('other') } })).rejects.toMatchObject({
      code: ProvisionErrorCode.BAD_WHEEL,
      message: expect.stringContaining('damaged b/z.so'),
    });
    expect(await readdir(join(directory, 'out', 'b'))).toEqual([]);
  });
});
