import type { DecodeLeg, EncodePrompt, EncodeRequest, PrefillLeg, RequestId, WorkerId } from '@sliceway/protocol';
import type { GenerationRequest } from './generation-request.js';

export function encodeRequest(
  rid: RequestId,
  attempt: number,
  gateway: WorkerId,
  prompt: EncodePrompt,
  { choices, stop }: GenerationRequest,
): EncodeRequest {
  return { rid, attempt, prompt, output: { gateway, choices, stop } };
}

/** What both legs of an attempt say alike. */
export type LegBase = Omit<PrefillLeg, 'decode'>;

export const prefillLeg = (base: LegBase, decode: WorkerId): PrefillLeg => ({ ...base, decode });

export const decodeLeg = (base: LegBase, prefill: WorkerId): DecodeLeg => ({ ...base, prefill });
