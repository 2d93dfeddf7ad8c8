import { Agent, request } from 'node:http';

/** What came back for one request; times are those of `performance.now()`. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly startMs: number;
  /** When the first bytes of the body came. */
  readonly firstMs: number;
  readonly endMs: number;
  readonly body: Buffer;
}

interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
  readonly usage?: { readonly completion_tokens: number } | null;
}

/** Many streams from one process. It only gathers bytes, and leaves reading them until nothing is timed. */
export class StreamClient {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  constructor(url: string) {
    this.#url = url;
  }

  /** @throws Error when the connection breaks before the answer is whole */
  post(path: string, fields: object): Promise<Answer> {
    const payload = JSON.stringify(fields);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    return new Promise((resolve, reject) => {
      const startMs = performance.now();
      const outgoing = request(`${this.#url}${path}`, { method: 'POST', agent: this.#agent, headers }, (incoming) => {
        const chunks: Buffer[] = [];
        let firstMs = 0;
        incoming.on('data', (chunk: Buffer) => {
          if (chunks.push(chunk) === 1) firstMs = performance.now();
        });
        incoming.on('error', reject);
        incoming.on('end', () => {
          const endMs = performance.now();
          const retryAfter = incoming.headers['retry-after'] ?? null;
          resolve({ status: incoming.statusCode!, retryAfter, startMs, firstMs, endMs, body: Buffer.concat(chunks) });
        });
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        // The server closed an idle connection at the moment that it was used again.
        const isStale = outgoing.reusedSocket && error.code === 'ECONNRESET';
        if (isStale) resolve(this.post(path, fields));
        else reject(error);
      });
      outgoing.end(payload);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** The server-sent events of a stream, each as it was written. */
export function eventsOf({ body }: Answer): string[] {
  return body.toString().split(/(?<=\n\n)/);
}

/** Text and token count of a streamed chat. @throws Error with what went wrong if it did not end well */
export function readChat(answer: Answer): { readonly text: string; readonly tokens: number } {
  if (answer.status !== 200) throw new Error(`HTTP ${answer.status}: ${answer.body.toString().slice(0, 200)}`);
  let text = '';
  let tokens = -1;
  const events = eventsOf(answer);
  if (events.pop() !== 'data: [DONE]\n\n') throw new Error('a stream broke off');
  for (const event of events) {
    if (!event.startsWith('data: ')) throw new Error(`a stream has ${event}`);
    const { error, choices, usage } = JSON.parse(event.slice('data: '.length)) as Chunk;
    if (error) throw new Error(error.message);
    text += choices?.[0]?.delta.content ?? '';
    tokens = usage?.completion_tokens ?? tokens;
  }
  return { text, tokens };
}
