import type { ServerResponse } from 'node:http';
import type { ApiError } from '../openai/api-error.js';

/** Sends an error as the whole answer. Does nothing once an answer has begun. */
export function sendError(response: ServerResponse, error: ApiError): void {
  if (response.headersSent || response.destroyed) return;
  if (error.retryAfterSeconds !== null) response.setHeader('retry-after', error.retryAfterSeconds);
  if (error.status === 401) response.setHeader('www-authenticate', 'Bearer');
  if (error.closesConnection) response.setHeader('connection', 'close');
  sendJson(response, error.status, error.body);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length });
  response.end(bytes);
}
