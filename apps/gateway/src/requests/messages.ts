import type { DecodeLeg, EncodeRequest, PrefillLeg, WorkerId } from '@sliceway/protocol';
import type { GenerationRequest } from './generation-request.js';

export function encodeRequest(
  { choices, stop }: GenerationRequest,
  gateway: WorkerId,
  prompt: Omit<EncodeRequest, 'output'>,
): EncodeRequest {
  return { ...prompt, output: { gateway, choices, stop } };
}

/** What both legs of an attempt say alike. */
export type LegBase = Omit<PrefillLeg, 'decode'>;

export const prefillLeg = (base: LegBase, decode: WorkerId): PrefillLeg => ({ ...base, decode });

export const decodeLeg = (base: LegBase, prefill: WorkerId): DecodeLeg => ({ ...base, prefill });
