import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startJaeger } from './start-jaeger.js';

/** Jaeger, or Docker, as `startJaeger` sees it: says what it was started with, and answers on the port of the pages. */
const SCRIPT = `#!${process.execPath}
const { createServer } = require('node:http');
const args = process.argv.slice(2);
console.log(JSON.stringify({ args, otlp: process.env.COLLECTOR_OTLP_ENABLED }));
if (args.includes('--fail')) process.exit(3);
const [, port] = /(?:--query.http-server.host-port=127.0.0.1:|-p 127.0.0.1:)(\\d+)/.exec(args.join(' '));
createServer((request, response) => response.writeHead(request.url === '/api/services' ? 200 : 404).end('{}')).listen(port, '127.0.0.1');
`;

describe('startJaeger', () => {
  let folder: string;
  let program: string;
  let logFile: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sliceway-jaeger-'));
    logFile = join(folder, 'jaeger.log');
    program = join(folder, 'program.cjs');
    await writeFile(program, SCRIPT);
    await chmod(program, 0o755);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const said = async () => JSON.parse((await readFile(logFile, 'utf8')).split('\n')[0]!) as { args: string[] };

  test('a binary gets ports that are free; the second one others than the first', async () => {
    const first = await startJaeger({ source: { binary: program }, logFile });
    const other = join(folder, 'other.log');
    const second = await startJaeger({ source: { binary: program }, logFile: other });
    const { args } = await said();
    expect(args).toContain(`--query.http-server.host-port=${new URL(first.url).host}`);
    expect(args).toContain(`--collector.otlp.grpc.host-port=${new URL(first.grpcEndpoint).host}`);
    expect(args).toContain(`--collector.otlp.http.host-port=${new URL(first.httpEndpoint).host}`);
    expect(await said()).toMatchObject({ otlp: 'true' });
    expect(second.url).not.toBe(first.url);
    expect((await fetch(`${second.url}/api/services`)).status).toBe(200);
    await Promise.all([first.stop(), second.stop()]);
    expect([first, second].map((each) => each.process.isRunning)).toEqual([false, false]);
  });

  test('Docker publishes on loopback only', async () => {
    const jaeger = await startJaeger({ source: { docker: program }, logFile });
    const { args } = await said();
    expect(args.slice(0, 3)).toEqual(['run', '--rm', '--init']);
    expect(args).toContain(`${new URL(jaeger.url).host}:16686`);
    expect(args).toContain(`${new URL(jaeger.grpcEndpoint).host}:4317`);
    expect(args).toContain(`${new URL(jaeger.httpEndpoint).host}:4318`);
    expect(args).toContain('jaegertracing/all-in-one:1.76.0');
    await jaeger.stop();
  });

  test('one that ends is told with its last words', async () => {
    await writeFile(program, SCRIPT.replace("args.includes('--fail')", 'true'));
    await expect(startJaeger({ source: { binary: program }, logFile })).rejects.toThrow(
      /jaeger exited with code 3[^]*args/,
    );
  });
});
