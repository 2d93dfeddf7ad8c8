import type { EncodePrompt, SamplingParams } from '@sliceway/protocol';

/** One prompt and its choices, in the words of the cluster, whatever API it came through. */
export interface GenerationRequest {
  readonly model: string;
  readonly prompt: EncodePrompt;
  /** Whether the answer has the prompt's text in it. */
  readonly withPromptText: boolean;
  readonly choices: number;
  readonly sampling: Omit<SamplingParams, 'maxNewTokens'>;
  /** As the client gave it, if it did. */
  readonly seed: number | null;
  /** Null: the rest of the context. */
  readonly maxTokens: number | null;
  readonly stop: readonly string[];
}
