import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { Metadata, Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from '@grpc/grpc-js';
import type { TraceSpan } from '@sliceway/tracing';
import { FaultyListener } from './faulty-listener.js';
import { decodeTraceRequest, encodeTraceResponse, isProtobuf, toTraceSpans } from './otlp-spans.js';

/**
 * What the receiver does with what comes:
 * - `accept` keeps the spans;
 * - `partial` keeps them, and says that it has rejected one;
 * - `unavailable` answers 503 (UNAVAILABLE): to be tried again;
 * - `reject` answers 400 (INVALID_ARGUMENT): not to be tried again;
 * - `stall` reads and never answers;
 * - `trickle` reads one byte a second;
 * - `refuse` has no listening socket.
 */
export type OtlpReceiverMode = 'accept' | 'partial' | 'unavailable' | 'reject' | 'stall' | 'trickle' | 'refuse';

/** PEM. With a CA, clients need a certificate of it. */
export interface OtlpReceiverTls {
  readonly key: Buffer;
  readonly cert: Buffer;
  readonly clientCa?: Buffer;
}

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const POLL_MS = 10;
/** As a Collector: with Node's 5 s a sender may write to a connection that is just being closed, and tries again a second later. */
const IDLE_MS = 60_000;

/**
 * An OTLP collector in this process: http/protobuf (also gzip) and gRPC, on ports of their own.
 *
 * ```ts
 * const receiver = await startOtlpReceiver();
 * // OTEL_EXPORTER_OTLP_ENDPOINT=receiver.httpUrl, or receiver.grpcUrl with OTEL_EXPORTER_OTLP_PROTOCOL=grpc
 * const spans = await receiver.waitFor((spans) => spans.some(({ name }) => name === 'stream'));
 * receiver.spans();                 // all since the start or the last clear()
 * receiver.clear();
 * await receiver.setMode('stall');  // see OtlpReceiverMode; drops open connections
 * await receiver.close();
 * ```
 */
export class OtlpReceiver {
  /** Headers of each HTTP request, and metadata of each gRPC call, that was answered. */
  readonly headers: Record<string, unknown>[] = [];
  /** Bodies as they came, unzipped. */
  readonly bodies: Buffer[] = [];
  #spans: TraceSpan[] = [];
  /** Bodies whose spans nobody has asked for yet: to decode them takes time that a test of moments has not. */
  readonly #undecoded: Buffer[] = [];
  #mode: OtlpReceiverMode = 'accept';
  readonly #http: FaultyListener;
  readonly #grpc: FaultyListener;
  readonly #grpcServer = new Server({ 'grpc.max_receive_message_length': -1 });

  /** @param tls none: plain text */
  constructor(private readonly tls: OtlpReceiverTls | null = null) {
    const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#onRequest(request, response);
    const http = tls === null ? createServer(onRequest) : createTlsServer(httpsOptions(tls), onRequest);
    http.keepAliveTimeout = IDLE_MS;
    this.#http = new FaultyListener((socket) => http.emit('connection', socket));
    const method = {
      path: EXPORT_PATH,
      requestStream: false,
      responseStream: false,
      requestSerialize: (bytes: Buffer) => bytes,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
    };
    this.#grpcServer.addService({ export: method }, { export: this.#onCall.bind(this) });
    const injector = this.#grpcServer.createConnectionInjector(grpcCredentials(tls));
    this.#grpc = new FaultyListener((socket) => injector.injectConnection(socket));
  }

  /** Base address for http/protobuf, without `/v1/traces`. */
  get httpUrl(): string {
    return `${this.#scheme}://127.0.0.1:${this.#http.port}`;
  }

  get grpcUrl(): string {
    return `${this.#scheme}://127.0.0.1:${this.#grpc.port}`;
  }

  get #scheme(): string {
    return this.tls === null ? 'http' : 'https';
  }

  /** Requests that came whole, in every mode. */
  requests = 0;

  /** @throws Error where what came is no request */
  spans(): readonly TraceSpan[] {
    for (const bytes of this.#undecoded.splice(0)) this.#spans.push(...toTraceSpans(decodeTraceRequest(bytes)));
    return this.#spans;
  }

  clear(): void {
    this.#spans = [];
    this.requests = this.headers.length = this.bodies.length = this.#undecoded.length = 0;
  }

  /** @throws Error that names the spans that came, after `timeoutMs` */
  async waitFor(
    predicate: (spans: readonly TraceSpan[]) => boolean,
    timeoutMs = 10_000,
  ): Promise<readonly TraceSpan[]> {
    const deadline = performance.now() + timeoutMs;
    while (!predicate(this.spans())) {
      if (performance.now() > deadline) {
        const names = [...new Set(this.#spans.map(({ name }) => name))].join(', ');
        throw new Error(`Not received within ${timeoutMs} ms; ${this.#spans.length} spans came: ${names}`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return this.#spans;
  }

  /** Connections that are open are cut; ports stay the same. */
  async setMode(mode: OtlpReceiverMode): Promise<void> {
    this.#mode = mode;
    const network = mode === 'refuse' || mode === 'trickle' ? mode : 'accept';
    await Promise.all([this.#http.setMode(network), this.#grpc.setMode(network)]);
  }

  async close(): Promise<void> {
    await this.setMode('refuse');
    this.#grpcServer.forceShutdown();
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part as Buffer);
    } catch {
      return; // The sender has gone.
    }
    const body = Buffer.concat(parts);
    const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
    const fault = request.url === '/v1/traces' ? this.#take(bytes, { ...request.headers }) : 'reject';
    if (fault === 'stall') return;
    if (fault !== null) return void response.writeHead(fault === 'reject' ? 400 : 503).end();
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(this.#answer());
  }

  #onCall(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
    const fault = this.#take(call.request, call.metadata.getMap());
    if (fault === 'stall') return;
    if (fault === null) return done(null, this.#answer());
    const code = fault === 'reject' ? status.INVALID_ARGUMENT : status.UNAVAILABLE;
    done({ code, details: fault, metadata: new Metadata() });
  }

  #answer(): Buffer {
    return encodeTraceResponse(
      this.#mode === 'partial' ? { rejectedSpans: 1, errorMessage: 'one was odd' } : undefined,
    );
  }

  /** @returns how it goes wrong; null if it does not */
  #take(bytes: Buffer, headers: Record<string, unknown>): 'stall' | 'reject' | 'unavailable' | null {
    this.requests++;
    if (this.#mode === 'stall' || this.#mode === 'unavailable' || this.#mode === 'reject') return this.#mode;
    if (!isProtobuf(bytes)) return 'reject';
    this.headers.push(headers);
    this.bodies.push(bytes);
    this.#undecoded.push(bytes);
    return null;
  }

  /** Listens on free ports. */
  async listen(): Promise<this> {
    await this.setMode('accept');
    return this;
  }
}

/** An OTLP collector in this process, listening. @param tls none: plain text */
export function startOtlpReceiver(tls: OtlpReceiverTls | null = null): Promise<OtlpReceiver> {
  return new OtlpReceiver(tls).listen();
}

function httpsOptions({ key, cert, clientCa }: OtlpReceiverTls): ServerOptions {
  return { key, cert, ...(clientCa && { ca: clientCa, requestCert: true, rejectUnauthorized: true }) };
}

function grpcCredentials(tls: OtlpReceiverTls | null): ServerCredentials {
  if (tls === null) return ServerCredentials.createInsecure();
  const { key, cert, clientCa = null } = tls;
  return ServerCredentials.createSsl(clientCa, [{ private_key: key, cert_chain: cert }], clientCa !== null);
}
