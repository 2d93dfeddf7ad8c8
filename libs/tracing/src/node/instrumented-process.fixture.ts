// The program of register.spec: the first import instruments what the others bring.
import './register.js';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { activeFields, activeParent, setActiveRid } from '../active-span.js';
import { ContextHeader } from '../context-carrier.js';
import { recorded, recordAll } from '../recording/recording.fixture.js';
import { TraceLevel } from '../trace-level.js';

recordAll(process.argv[2] === 'off' ? TraceLevel.off : TraceLevel.all);
const seen: object[] = [];

const server = createServer((request: IncomingMessage, response: ServerResponse) => {
  const parent = activeParent();
  setActiveRid('a-rid');
  // The body's events are bound to the request, not to what listens to it.
  request.resume().once('end', () => {
    seen.push({
      url: request.url,
      traceparent: parent?.get(ContextHeader.traceparent) ?? null,
      tracestate: parent?.get(ContextHeader.tracestate) ?? null,
      fields: activeFields(),
      sent: request.headers[ContextHeader.traceparent] ?? null,
    });
    // One that is answered by way of another.
    if (request.url === '/outer') fetchText(portOf(), '/inner').then(() => response.end('ok'));
    else response.end('ok');
  });
});
const portOf = (): number => (server.address() as AddressInfo).port;

function fetchText(port: number, path: string, headers: Record<string, string> = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    get({ port, path, headers, agent: false }, (response) => response.resume().once('close', resolve)).once(
      'error',
      reject,
    );
  });
}

await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
const traceparent = (flags: string): string => `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-${flags}`;
for (const path of ['/health', '/health/ready', '/metrics', '/metrics?a=b']) await fetchText(portOf(), path);
await fetchText(portOf(), '/healthy');
await fetchText(portOf(), '/sampled', { traceparent: traceparent('01'), tracestate: 'a=1' });
await fetchText(portOf(), '/unsampled', { traceparent: traceparent('00') });
await fetchText(portOf(), '/outer');
await new Promise<void>((resolve) => void server.close(() => resolve()));
const spans = recorded().map(({ name, kind, traceId, spanId, parentSpanId, scope, attributes }) => ({
  name,
  kind,
  traceId,
  spanId,
  parentSpanId,
  scope,
  path: attributes['url.path'] ?? attributes['url.full'],
}));
process.stdout.write(JSON.stringify({ spans, seen }));
