import { gzipSync } from 'node:zlib';
import { credentials, Client, type ServiceError } from '@grpc/grpc-js';
import { type OtlpReceiver, startOtlpReceiver } from './otlp-receiver.js';

const EXPORT = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

/** A request of one span: ids of ones and twos, name `s`. */
const ONE_SPAN = Buffer.from(`0a231221121f0a10${'01'.repeat(16)}1208${'02'.repeat(8)}2a0173`, 'hex');

let receiver: OtlpReceiver;
beforeEach(async () => {
  receiver = await startOtlpReceiver();
});
afterEach(() => receiver.close());

function post(body: Buffer, headers: Record<string, string> = {}, timeoutMs = 10_000): Promise<number> {
  return fetch(`${receiver.httpUrl}/v1/traces`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers,
    signal: AbortSignal.timeout(timeoutMs),
  }).then(
    ({ status }) => status,
    (error: Error) => Promise.reject(new Error(error.name)),
  );
}

function call(body: Buffer): Promise<ServiceError | null> {
  const client = new Client(receiver.grpcUrl.slice('http://'.length), credentials.createInsecure());
  const pass = (bytes: Buffer): Buffer => bytes;
  return new Promise<ServiceError | null>((resolve) =>
    client.makeUnaryRequest(EXPORT, pass, pass, body, { deadline: Date.now() + 10_000 }, resolve),
  ).finally(() => client.close());
}

it('takes spans over HTTP, zipped too, and over gRPC', async () => {
  expect(await post(ONE_SPAN)).toBe(200);
  expect(await post(gzipSync(ONE_SPAN), { 'content-encoding': 'gzip' })).toBe(200);
  expect(await call(ONE_SPAN)).toBeNull();
  const spans = await receiver.waitFor(({ length }) => length === 3);
  for (const span of spans) {
    expect(span).toMatchObject({ traceId: '01'.repeat(16), spanId: '02'.repeat(8), parentSpanId: null, name: 's' });
  }
  expect(receiver.requests).toBe(3);
  receiver.clear();
  expect(receiver.spans()).toEqual([]);
});

it('answers what is no request with 400', async () => {
  expect(await post(Buffer.from('ff', 'hex'))).toBe(400);
  expect((await call(Buffer.from('ff', 'hex')))?.code).toBe(3);
  expect(receiver.spans()).toEqual([]);
});

it.each([
  ['unavailable', 503, 14],
  ['reject', 400, 3],
] as const)('%s', async (mode, status, code) => {
  await receiver.setMode(mode);
  expect(await post(ONE_SPAN)).toBe(status);
  expect((await call(ONE_SPAN))?.code).toBe(code);
  expect(receiver.spans()).toEqual([]);
});

it('never answers, reads a byte a second, refuses, and is back on the same port', async () => {
  const { httpUrl } = receiver;
  await receiver.setMode('stall');
  await expect(post(ONE_SPAN, {}, 500)).rejects.toThrow('TimeoutError');
  expect(receiver.requests).toBe(1);
  await receiver.setMode('trickle');
  await expect(post(ONE_SPAN, {}, 500)).rejects.toThrow('TimeoutError');
  expect(receiver.requests).toBe(1);
  await receiver.setMode('refuse');
  await expect(post(ONE_SPAN)).rejects.toThrow('TypeError');
  expect((await call(ONE_SPAN))?.code).toBe(14);
  await receiver.setMode('accept');
  expect(receiver.httpUrl).toBe(httpUrl);
  expect(await post(ONE_SPAN)).toBe(200);
  await expect(receiver.waitFor(({ length }) => length === 2, 50)).rejects.toThrow('1 spans came: s');
});
