import { formatBytes, Progress } from './progress.js';

class FakeStream {
  text = '';
  columns = 200;
  constructor(readonly isTTY: boolean) {}
  write(text: string): void {
    this.text += text;
  }
}

describe('Progress', () => {
  let now: number;
  const nowMs = () => now;
  beforeEach(() => (now = 1000));

  test('redraws one line on a terminal, ten times a second at most', () => {
    const stream = new FakeStream(true);
    const progress = new Progress('Loading', { stream, nowMs });
    progress.update(0, 10_000_000);
    now += 99;
    progress.update(1_000_000, 10_000_000);
    now += 901;
    progress.update(2_500_000, 10_000_000);
    now += 3000;
    progress.update(10_000_000, 10_000_000);
    progress.finish();
    expect(stream.text.split('\r\x1b[K').slice(1)).toEqual([
      `Loading [${' '.repeat(24)}] 0 % of 10.0 MB`,
      `Loading [${'='.repeat(6)}${' '.repeat(18)}] 25 % of 10.0 MB, 2.5 MB/s, 3 s left`,
      `Loading [${'='.repeat(24)}] 100 % of 10.0 MB, 2.5 MB/s, 0 s left`,
      'Loading: 10.0 MB in 4.0 s\n',
    ]);
  });

  test('stays full when more comes than was announced', () => {
    const stream = new FakeStream(true);
    new Progress('Loading', { stream, nowMs }).update(25_000_000, 10_000_000);
    expect(stream.text).toContain(`[${'='.repeat(24)}]`);
  });

  test('never fills the last column', () => {
    const stream = new FakeStream(true);
    stream.columns = 40;
    new Progress('Downloading something with a long name', { stream, nowMs }).update(1, 10);
    expect(stream.text.replace('\r\x1b[K', '')).toHaveLength(39);
  });

  test('writes a line every five seconds elsewhere', () => {
    const stream = new FakeStream(false);
    const progress = new Progress('Loading', { stream, nowMs });
    for (let i = 0; i <= 120; i++) {
      progress.update(i * 1_000_000, 200_000_000);
      now += 100;
    }
    progress.finish();
    expect(stream.text.split('\n')).toEqual([
      'Loading: 25 % of 200.0 MB, 10.0 MB/s, 15 s left',
      'Loading: 50 % of 200.0 MB, 10.0 MB/s, 10 s left',
      'Loading: 120.0 MB in 12.1 s',
      '',
    ]);
  });

  test('a continued download does not count what was there for its rate', () => {
    const stream = new FakeStream(false);
    const progress = new Progress('Loading', { stream, nowMs });
    progress.update(100_000_000, 200_000_000);
    now += 5000;
    progress.update(105_000_000, 200_000_000);
    expect(stream.text).toBe('Loading: 52 % of 200.0 MB, 1.0 MB/s, 1:35 min left\n');
  });

  test('an unknown total', () => {
    const stream = new FakeStream(true);
    const progress = new Progress('Loading', { stream, nowMs });
    now += 1000;
    progress.update(0);
    now += 1000;
    progress.update(2_000_000);
    expect(stream.text).toContain('Loading 2.0 MB, 1.0 MB/s');
  });

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [98_362_432, '98.4 MB'],
    [2e15, '2000.0 TB'],
  ])('formatBytes(%d) is %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});
