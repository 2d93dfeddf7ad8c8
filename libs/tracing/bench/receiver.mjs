// A program: an OTLP/HTTP receiver that reads everything, answers at once, and counts what came. Its parent, which forks it, is told the
// port, and the counts when it sends `counts`. From `trickle` on it reads a byte a second and never answers, until it is sent `whole`.
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** Numbers of the fields in opentelemetry-proto's trace.proto. */
const RESOURCE_SPANS = 1;
const SCOPE_SPANS = 2;
const SPANS = 2;
const NAME = 5;
const ATTRIBUTES = 9;
const LINKS = 13;

/** Slices are the spans of the name that the benchmarks give them; right are those with two attributes and a link. */
const counts = { spans: 0, slices: 0, right: 0, requests: 0, bytes: 0 };
const SLICE = Buffer.from('stream');

/** Calls `take` with the bytes of each field of a message that has a length. */
function eachField(message, take) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = message[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) varint();
    else if (wireType === 1) at += 8;
    else if (wireType === 5) at += 4;
    else {
      const length = varint();
      take(tag >> 3, message.subarray(at, at + length));
      at += length;
    }
  }
}

function count(body) {
  eachField(body, (field, resourceSpans) => {
    if (field !== RESOURCE_SPANS) return;
    eachField(resourceSpans, (inner, scopeSpans) => {
      if (inner !== SCOPE_SPANS) return;
      eachField(scopeSpans, (innermost, span) => {
        if (innermost === SPANS) countSpan(span);
      });
    });
  });
}

function countSpan(span) {
  let isSlice = false;
  let [attributes, links] = [0, 0];
  eachField(span, (field, value) => {
    if (field === NAME) isSlice = SLICE.equals(value);
    else if (field === ATTRIBUTES) attributes++;
    else if (field === LINKS) links++;
  });
  counts.spans++;
  if (!isSlice) return;
  counts.slices++;
  if (attributes === 2 && links === 1) counts.right++;
}

function receive(request, response) {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = Buffer.concat(chunks);
    counts.requests++;
    counts.bytes += body.length;
    // Metrics and logs may come, too.
    if (request.url === '/v1/traces') count(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    response.writeHead(200, { 'content-type': 'application/x-protobuf', 'content-length': 0 }).end();
  });
}

function trickle(socket) {
  // Without 'data' or 'readable' nothing more is taken from the kernel than one buffer, and that a byte at a time.
  const timer = setInterval(() => void socket.read(1), 1000);
  socket.on('error', () => {});
  socket.on('close', () => clearInterval(timer));
}

const server = createServer(receive);
const sockets = new Set();
const serve = (socket) => server.emit('connection', socket);
let take = serve;
const listener = createTcpServer((socket) => {
  sockets.add(socket.on('close', () => sockets.delete(socket)));
  take(socket);
});
listener.listen(0, '127.0.0.1', () => process.send({ port: listener.address().port }));

const MESSAGES = {
  counts: () => process.send(counts),
  trickle: () => takeAnew(trickle),
  whole: () => takeAnew(serve),
};

/** Who is connected connects again. */
function takeAnew(how) {
  take = how;
  for (const socket of sockets) socket.destroy();
}

process.on('message', (name) => MESSAGES[name]());
process.on('disconnect', () => process.exit());
