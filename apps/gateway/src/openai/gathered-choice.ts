import type { TextLogprobs } from '@sliceway/protocol';
import type { ChoiceEnd, TextPiece } from './completion-sink.js';

/** All of one choice. */
export interface GatheredChoice {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly logprobs: readonly TextLogprobs[] | null;
  readonly end: ChoiceEnd;
  readonly matchedStop: string | number | null;
}

/** Gathers one choice's pieces. */
export class ChoiceGatherer implements GatheredChoice {
  text = '';
  readonly tokenIds: number[] = [];
  readonly logprobs: TextLogprobs[] | null;
  end: ChoiceEnd = 'stop';
  matchedStop: string | number | null = null;

  constructor(withLogprobs: boolean) {
    this.logprobs = withLogprobs ? [] : null;
  }

  add({ text, tokenIds, logprobs }: TextPiece): void {
    this.text += text;
    for (let i = 0; i < tokenIds.length; i++) this.tokenIds.push(tokenIds[i]!);
    if (logprobs !== null) this.logprobs?.push(...logprobs);
  }

  finish(end: ChoiceEnd, matchedStop: string | number | null): void {
    this.end = end;
    this.matchedStop = matchedStop;
  }
}
