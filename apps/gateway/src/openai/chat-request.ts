import { randomBytes } from 'node:crypto';
import type { ChatMessage } from '@sliceway/protocol';
import { ApiError } from './api-error.js';
import { chatSchema, type ChatBody } from './chat-schema.js';
import { schemaError } from './schema-error.js';

/** A chat request in the words of the cluster. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly choices: number;
  readonly temperature: number;
  readonly topP: number;
  /** 0: off */
  readonly topK: number;
  /** u32; drawn at random where the client gave none. */
  readonly seed: number;
  /** Null: the rest of the context. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
  readonly stopTokenIds: readonly number[];
  readonly ignoreEos: boolean;
  readonly stream: boolean;
  readonly includeUsage: boolean;
}

/** Reads the body of `POST /v1/chat/completions`. @throws ApiError 400, naming the field */
export function parseChatRequest(body: unknown): ChatRequest {
  const result = chatSchema.safeParse(body);
  if (!result.success) throw schemaError(result.error, body);
  const chat = result.data;
  if (chat.stream_options !== null && !chat.stream) {
    throw new ApiError(400, "'stream_options' is only allowed when 'stream' is true.", {
      param: 'stream_options',
      code: 'invalid_value',
    });
  }
  return {
    model: chat.model,
    messages: chat.messages.map(toMessage),
    choices: chat.n,
    temperature: chat.temperature,
    topP: chat.top_p,
    topK: Math.max(chat.top_k, 0),
    seed: chat.seed === null ? randomBytes(4).readUInt32LE() : foldSeed(chat.seed),
    maxTokens: maxTokensOf(chat),
    stop: typeof chat.stop === 'string' ? [chat.stop] : chat.stop,
    stopTokenIds: chat.stop_token_ids,
    ignoreEos: chat.ignore_eos,
    stream: chat.stream,
    includeUsage: chat.stream_options?.include_usage ?? false,
  };
}

/** Text parts are joined by a line break, as vLLM does for templates that take a string. */
function toMessage({ role, content }: ChatBody['messages'][number]): ChatMessage {
  return {
    role: role === 'developer' ? 'system' : role,
    content: typeof content === 'string' ? content : content.map((part) => part.text).join('\n'),
  };
}

function maxTokensOf({ max_tokens, max_completion_tokens }: ChatBody): number | null {
  if (max_tokens !== null && max_completion_tokens !== null && max_tokens !== max_completion_tokens) {
    throw new ApiError(400, "'max_tokens' and 'max_completion_tokens' differ; send only the latter.", {
      param: 'max_tokens',
      code: 'invalid_value',
    });
  }
  return max_completion_tokens ?? max_tokens;
}

/** OpenAI's seeds are 64 bits wide, the wire's 32: both halves count, and a seed that fits stays what it is. */
function foldSeed(seed: number): number {
  const wide = BigInt.asUintN(64, BigInt(seed));
  return Number(BigInt.asUintN(32, wide ^ (wide >> 32n)));
}
