import type { RequestTrace } from '@sliceway/tracing';
import type { ChoiceEnd, Usage } from '../openai/completion-sink.js';
import type { Route } from '../routing/router.js';

export const RequestEnd = { finished: 'finished', aborted: 'aborted', failed: 'failed' } as const;
export type RequestEnd = (typeof RequestEnd)[keyof typeof RequestEnd];

export interface AttemptId {
  readonly number: number;
  /** 16 hex characters. */
  readonly room: string;
}

/** Told of a request's stations as they are reached; makes metrics and slices of them. */
export interface RequestObserver {
  /** Travels with the messages. */
  readonly trace: RequestTrace;
  admitted(): void;
  tokenized(promptTokens: number): void;
  routed(route: Route): void;
  dispatched(): void;
  /** Tokens of one choice in one frame; the first call is the first token. */
  tokens(choice: number, count: number): void;
  choiceEnded(choice: number, end: ChoiceEnd): void;
  /** The attempt before this one failed: the request is where it was when it was admitted. @param code of the failure */
  retried(attempt: AttemptId, code: string | null): void;
  /** @param reason of an end other than `finished`: a stable code */
  ended(end: RequestEnd, usage: Usage, reason: string | null): void;
}
