/**
 * A program: the least that streams. Its parent sends it the events of one answer and the time between two; every request gets
 * them, each in a write of its own when its time has come, from one timer for all streams.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Script {
  readonly events: readonly string[];
  readonly intervalMs: number;
}

/** Answers to `cpu`. */
export interface CpuReply {
  readonly cpuSeconds: number;
}

interface Stream {
  readonly response: ServerResponse;
  readonly startMs: number;
  next: number;
}

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
};
const open = new Set<Stream>();

const server = createServer((request, response) => {
  request.resume();
  response.writeHead(200, HEADERS);
  open.add({ response, startMs: performance.now(), next: 0 });
});

process.on('message', (message: Script | 'cpu') => {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage();
    process.send!({ cpuSeconds: (user + system) / 1e6 } satisfies CpuReply);
    return;
  }
  setInterval(() => writeDue(message), Math.max(1, message.intervalMs));
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
});
process.on('disconnect', () => process.exit());

function writeDue({ events, intervalMs }: Script): void {
  const nowMs = performance.now();
  for (const stream of open) {
    const due = Math.min(events.length, Math.ceil((nowMs - stream.startMs) / intervalMs));
    while (stream.next < due) stream.response.write(events[stream.next++]);
    if (due < events.length) continue;
    stream.response.end();
    open.delete(stream);
  }
}
