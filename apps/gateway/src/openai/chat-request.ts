import type { ChatMessage } from '@sliceway/protocol';
import type { GenerationRequest } from '../requests/generation-request.js';
import { ApiError } from './api-error.js';
import { chatSchema, type ChatBody } from './chat-schema.js';
import { parseBody } from './parse-body.js';
import { refuseMinOverMax, samplingOf } from './sampling.js';
import { deliveryOf, type Delivery } from './stream-options.js';

export interface ChatRequest extends Delivery {
  readonly request: GenerationRequest;
}

/** Reads the body of `POST /v1/chat/completions`. @throws ApiError 400, naming the field */
export function parseChatRequest(body: unknown): ChatRequest {
  const chat = parseBody(chatSchema, body);
  const maxTokens = maxTokensOf(chat);
  refuseMinOverMax('min_tokens', chat.min_tokens, 'max_completion_tokens', maxTokens);
  return {
    ...deliveryOf(chat),
    request: {
      model: chat.model,
      prompt: { messages: chat.messages.map(toMessage) },
      withPromptText: false,
      choices: chat.n,
      sampling: samplingOf(chat, { seed: chat.seed, minTokens: chat.min_tokens, logprobs: logprobsOf(chat) }),
      seed: chat.seed,
      maxTokens,
      stop: chat.stop,
    },
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

function logprobsOf({ logprobs, top_logprobs }: ChatBody): number | null {
  if (logprobs) return top_logprobs;
  if (top_logprobs === 0) return null;
  throw new ApiError(400, "'top_logprobs' is only allowed when 'logprobs' is true.", {
    param: 'top_logprobs',
    code: 'invalid_value',
  });
}
