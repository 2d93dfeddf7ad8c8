/** A chat request as the gateway takes it, without what is the same in all. */
export interface ChatFields {
  readonly content: string;
  readonly max_tokens: number;
  readonly n?: number;
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
  readonly seed?: number;
  readonly stop?: string;
  readonly stream?: boolean;
  readonly logprobs?: boolean;
  readonly top_logprobs?: number;
}

/** What came of a request, an error included. */
export interface Answer {
  /** Id of the request, 32 hex digits. */
  readonly rid: string;
  readonly status: number;
  /** One a choice. */
  readonly texts: string[];
  readonly completionTokens: number;
  /** Code of an error answer, or of the error event that ended the stream. */
  readonly errorCode: string | null;
  /** The stream ended with `[DONE]`. */
  readonly isDone: boolean;
  /** Seconds, of an answer that asks for patience. */
  readonly retryAfter: string | null;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Called after each event with how many there were, and the request's id. */
  readonly onEvent?: (count: number, rid: string) => void;
}

interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

interface Chunk {
  readonly error?: { readonly code: string };
  readonly choices?: readonly {
    readonly index: number;
    readonly delta?: { readonly content?: string };
    readonly message?: { readonly content: string };
  }[];
  readonly usage?: { readonly completion_tokens: number } | null;
}

/**
 * Sends a request and reads all of the answer.
 *
 * @throws what fetch throws when `signal` aborts or the connection is lost, and Error for an error that has not OpenAI's shape
 */
export async function chat(url: string, model: string, fields: ChatFields, options: ReadOptions = {}): Promise<Answer> {
  const { content, stream = true, ...rest } = fields;
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content }],
      temperature: 0,
      ignore_eos: true,
      stream,
      ...(stream ? { stream_options: { include_usage: true } } : {}),
      ...rest,
    }),
    ...(options.signal ? { signal: options.signal } : {}),
  });
  const head = {
    rid: response.headers.get('x-request-id') ?? '',
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
  };
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  if (!isStream) {
    const body = (await response.json()) as Chunk;
    if (!response.ok) expectErrorShape(body);
    return { ...head, ...gather([body]), isDone: response.ok };
  }
  const chunks: Chunk[] = [];
  let events = 0;
  for await (const { name, data } of readEvents(response.body!)) {
    if (data === '[DONE]') return { ...head, ...gather(chunks), isDone: true };
    const chunk = JSON.parse(data) as Chunk;
    if (name === 'error' || chunk.error) expectErrorShape(chunk);
    chunks.push(chunk);
    options.onEvent?.(++events, head.rid);
    options.signal?.throwIfAborted();
  }
  return { ...head, ...gather(chunks), isDone: false };
}

function gather(chunks: readonly Chunk[]): Pick<Answer, 'texts' | 'completionTokens' | 'errorCode'> {
  const texts: string[] = [];
  for (const { index, delta, message } of chunks.flatMap(({ choices }) => choices ?? [])) {
    texts[index] = (texts[index] ?? '') + (message?.content ?? delta?.content ?? '');
  }
  const usage = chunks.findLast((chunk) => chunk.usage)?.usage;
  const failed = chunks.find(({ error }) => error);
  return { texts, completionTokens: usage?.completion_tokens ?? 0, errorCode: failed?.error?.code ?? null };
}

function expectErrorShape(body: object): void {
  const { error } = body as { error?: Record<string, unknown> };
  const { message, type, param, code } = error ?? {};
  const isNullOrText = (value: unknown): boolean => value === null || typeof value === 'string';
  if (typeof message === 'string' && typeof type === 'string' && isNullOrText(param) && isNullOrText(code)) return;
  throw new Error(`this is no error in OpenAI's shape: ${JSON.stringify(body)}`);
}

async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let name = '';
  for await (const bytes of body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') name = '';
      else if (line.startsWith('event: ')) name = line.slice('event: '.length);
      else if (line.startsWith('data: ')) yield { name, data: line.slice('data: '.length) };
    }
  }
}
