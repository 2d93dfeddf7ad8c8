import type { EncodePrompt } from '@sliceway/protocol';
import type { TokenEstimate } from './admission.js';
import type { GenerationRequest } from './generation-request.js';

/** English text has four characters a token, most other text fewer. */
const CHARS_PER_TOKEN = 4;
/** What a chat template puts around a message. */
const TOKENS_PER_MESSAGE = 8;
/** Few answers go on to the limit of their context, and none that a client has not asked for should count so. */
const OPEN_ENDED_TOKENS = 256;

/** How large a request will be, before its prompt is encoded. */
export function estimateTokens({ prompt, choices, maxTokens }: GenerationRequest): TokenEstimate {
  return { promptTokens: promptTokens(prompt), completionTokens: choices * (maxTokens ?? OPEN_ENDED_TOKENS) };
}

function promptTokens(prompt: EncodePrompt): number {
  if ('ids' in prompt) return prompt.ids.length;
  if ('text' in prompt) return textTokens(prompt.text);
  return prompt.messages.reduce((sum, { content }) => sum + textTokens(content) + TOKENS_PER_MESSAGE, 0);
}

const textTokens = (text: string): number => Math.ceil(text.length / CHARS_PER_TOKEN);
