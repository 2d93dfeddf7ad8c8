import type { Agent, IncomingMessage, request, RequestOptions } from 'node:http';
import { urlToHttpOptions } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { convertLegacyHttpOptions } from '@opentelemetry/otlp-exporter-base/node-http';
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { type OtlpTransport, SIGNAL, TRANSPORT_OPTIONS, warnOfRejected } from './otlp-transport.js';
import { RetryableExportError, withRetries } from './retries.js';

const PATH = 'v1/traces';
const CONTENT_TYPE = 'application/x-protobuf';
/** As OpenTelemetry's own exporter has it. */
const MAX_ANSWER_BYTES = 4 << 20;
/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE_STATUS: readonly unknown[] = [429, 502, 503, 504];
const RETRYABLE_ERROR: readonly unknown[] = [
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ENETUNREACH',
  'EHOSTUNREACH',
];
const compress = promisify(gzip);

/**
 * OTLP over HTTP, as protobuf. Configured as OpenTelemetry's exporter; sent by itself, since that one's streams cost more CPU than
 * what is sent, and its timeout begins anew with each byte of an answer.
 *
 * @param endpoint base address; the environment's if not given
 * @throws Error if the address is none
 */
export async function createOtlpHttpTransport(endpoint: string | undefined): Promise<OtlpTransport> {
  const base = endpoint && new URL(PATH, endpoint.endsWith('/') ? endpoint : `${endpoint}/`).href;
  const required = { 'Content-Type': CONTENT_TYPE };
  const options = convertLegacyHttpOptions(
    { ...(base && { url: base }), ...TRANSPORT_OPTIONS },
    SIGNAL,
    PATH,
    required,
  );
  const url = new URL(options.url);
  const target = urlToHttpOptions(url);
  const agent: Agent = await options.agentFactory(url.protocol);
  const { request: open } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  const isZipped = options.compression === 'gzip';

  async function sendOnce(body: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<number> {
    const headers = {
      ...(await options.headers()),
      'User-Agent': TRANSPORT_OPTIONS.userAgent,
      ...(isZipped && { 'Content-Encoding': 'gzip' }),
      'Content-Length': body.length,
    };
    signal.throwIfAborted();
    const answer = await post(open, target, { agent, headers, timeoutMs, signal }, body);
    return answer.length === 0 ? 0 : warnOfRejected(ProtobufTraceSerializer.deserializeResponse(answer).partialSuccess);
  }

  return {
    send: async (bytes, signal) => {
      const body = isZipped ? await compress(bytes) : bytes;
      return withRetries((timeoutMs) => sendOnce(body, timeoutMs, signal), options.timeoutMillis, signal);
    },
    shutdown: () => agent.destroy(),
  };
}

interface PostOptions {
  readonly agent: Agent;
  readonly headers: Record<string, string | number>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

function post(
  open: typeof request,
  target: RequestOptions,
  { agent, headers, timeoutMs, signal }: PostOptions,
  body: Uint8Array,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      reject(RETRYABLE_ERROR.includes(error.code) ? new RetryableExportError(error) : error);
    };
    const settle = (parts: readonly Buffer[] = []): void => {
      clearTimeout(timer);
      resolve(Buffer.concat(parts));
    };
    const sent = open({ ...target, method: 'POST', agent, headers }, (answer) => {
      const parts: Buffer[] = [];
      let size = 0;
      answer.on('data', (part: Buffer) => {
        size += part.length;
        if (size <= MAX_ANSWER_BYTES) return void parts.push(part);
        fail(new Error(`answer of more than ${MAX_ANSWER_BYTES} bytes`));
        answer.destroy();
      });
      // The head says that it was taken: the rest does not matter.
      answer.on('error', (error) => (isSuccess(answer) ? settle() : fail(error)));
      answer.on('end', () => {
        if (isSuccess(answer)) return settle(parts);
        clearTimeout(timer);
        reject(faultOf(answer, parts));
      });
    });
    const timer = setTimeout(() => {
      sent.destroy(Object.assign(new Error(`no answer within ${Math.round(timeoutMs)} ms`), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    signal.addEventListener('abort', () => sent.destroy(signal.reason as Error));
    sent.on('error', fail);
    sent.end(body);
  });
}

function isSuccess({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode <= 299;
}

function faultOf({ statusCode = 0, statusMessage, headers }: IncomingMessage, parts: readonly Buffer[]): Error {
  const said = Buffer.concat(parts)
    .toString('latin1')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .slice(0, 200)
    .trim();
  const error = new Error(`HTTP ${statusCode} ${statusMessage}${said && `: ${said}`}`);
  return RETRYABLE_STATUS.includes(statusCode)
    ? new RetryableExportError(error, retryAfterMs(headers['retry-after']))
    : error;
}

/** Seconds or a date. */
function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const seconds = Number(value);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}
