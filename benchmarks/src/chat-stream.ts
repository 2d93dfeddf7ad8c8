/** What one streamed chat answer was. */
export interface ChatStream {
  readonly text: string;
  readonly completionTokens: number;
}

interface Chunk {
  readonly error?: { readonly message: string };
  readonly choices?: readonly { readonly delta: { readonly content?: string } }[];
  readonly usage?: { readonly completion_tokens: number } | null;
}

/** Streams one greedy answer of exactly `tokens` tokens. @throws Error with what the gateway said */
export async function streamChat(
  gatewayUrl: string,
  model: string,
  content: string,
  tokens: number,
): Promise<ChatStream> {
  const response = await fetch(`${gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages: [{ role: 'user', content }],
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0,
      max_tokens: tokens,
      ignore_eos: true,
    }),
  });
  if (!response.ok || !response.body)
    throw new Error(`the gateway answered ${response.status}: ${await response.text()}`);
  let text = '';
  let completionTokens = 0;
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (!line.startsWith('data: ') || line === 'data: [DONE]') continue;
      const chunk = JSON.parse(line.slice(6)) as Chunk;
      if (chunk.error) throw new Error(chunk.error.message);
      text += chunk.choices?.[0]?.delta.content ?? '';
      completionTokens = chunk.usage?.completion_tokens ?? completionTokens;
    }
  }
  return { text, completionTokens };
}
