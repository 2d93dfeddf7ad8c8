import { servedModel } from '../cli/summary.js';
import { TraceError } from './trace-error.js';

export interface DemoAnswer {
  /** `x-request-id`: 32 hex digits. */
  readonly rid: string;
  readonly text: string;
}

export interface DemoRequest {
  readonly prompt: string;
  readonly maxTokens: number;
  readonly signal: AbortSignal;
  /** Gets the text as it comes. */
  readonly onText: (text: string) => void;
}

/** Sends one streamed chat request and reads all of its answer. @throws TraceError for an error as the answer */
export async function sendChat(url: string, { prompt, maxTokens, signal, onText }: DemoRequest): Promise<DemoAnswer> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: await servedModel(url),
      stream: true,
      temperature: 0,
      max_tokens: maxTokens,
      messages: [{ role: 'user', content: prompt }],
    }),
    signal,
  });
  if (!response.ok) throw new TraceError(`The gateway answered ${response.status}: ${await response.text()}`);
  let text = '';
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body as ReadableStream<Uint8Array>) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (!line.startsWith('data: {')) continue;
      const chunk = JSON.parse(line.slice('data: '.length)) as Chunk;
      if (chunk.error) throw new TraceError(`The answer ended with an error: ${chunk.error.message}`);
      const piece = chunk.choices?.[0]?.delta?.content ?? '';
      text += piece;
      if (piece !== '') onText(piece);
    }
  }
  return { rid: response.headers.get('x-request-id') ?? '', text };
}

interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices?: readonly { readonly delta?: { readonly content?: string } }[];
}
