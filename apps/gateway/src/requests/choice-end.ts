import { FinishReason } from '@sliceway/protocol';
import type { ChoiceEnd } from '../openai/completion-sink.js';

/** OpenAI's word for a finish reason; null where the choice has no result. */
export function choiceEnd(reason: FinishReason): ChoiceEnd | null {
  if (reason === FinishReason.stop) return 'stop';
  return reason === FinishReason.length ? 'length' : null;
}
