import type { DecodeLeg, EncodeRequest, PrefillLeg, RequestId, SamplingParams, WorkerId } from '@sliceway/protocol';
import type { ChatRequest } from '../openai/chat-request.js';

export function encodeRequest(rid: RequestId, attempt: number, gateway: WorkerId, chat: ChatRequest): EncodeRequest {
  return {
    rid,
    attempt,
    prompt: { messages: chat.messages },
    output: { gateway, choices: chat.choices, stop: chat.stop },
  };
}

/** What both legs of an attempt say alike. */
export type LegBase = Omit<PrefillLeg, 'decode'>;

export const prefillLeg = (base: LegBase, decode: WorkerId): PrefillLeg => ({ ...base, decode });

export const decodeLeg = (base: LegBase, prefill: WorkerId): DecodeLeg => ({ ...base, prefill });

export function samplingParams(chat: ChatRequest, maxNewTokens: number): SamplingParams {
  return {
    temperature: chat.temperature,
    topP: chat.topP,
    topK: chat.topK,
    seed: chat.seed,
    maxNewTokens,
    stopTokenIds: chat.stopTokenIds,
    ignoreEos: chat.ignoreEos,
  };
}
