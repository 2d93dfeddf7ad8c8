import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '@sliceway/service';
import type { Response } from 'express';
import type { GatewayConfig } from '../gateway.config.js';
import type { StreamFormat, WholeFormat } from '../openai/answer-formats.js';
import type { Call } from '../openai/answer.js';
import type { CompletionHead } from '../openai/completion-head.js';
import type { GenerationRequest } from '../requests/generation-request.js';
import { arrivalOf } from './arrival.js';
import { SharedAnswer } from './shared-answer.js';
import { StreamedAnswer } from './streamed-answer.js';
import { WholeAnswer } from './whole-answer.js';

export interface CallOptions {
  readonly response: Response;
  /** One a prompt, with the same number of choices each. */
  readonly requests: readonly GenerationRequest[];
  readonly stream: boolean;
  readonly whole: WholeFormat;
  /** @param fingerprint of the model that computes the answer */
  readonly events: (fingerprint: string) => StreamFormat;
}

/** Makes the answer to what an API's parser has read. */
@Injectable()
export class AnswerFactory {
  constructor(@Inject(CONFIG) private readonly config: GatewayConfig) {}

  call({ response, requests, stream, whole, events }: CallOptions): Call {
    const { choices, sampling } = requests[0]!;
    const shape = { prompts: requests.length, choices };
    const writer = stream
      ? new StreamedAnswer(response, shape, this.config.SLICEWAY_MAX_CLIENT_BUFFER_BYTES, events)
      : new WholeAnswer(response, shape, sampling.logprobs !== null, whole);
    return { requests, answer: new SharedAnswer(writer, shape) };
  }
}

/** @param kind OpenAI's prefix of ids: `chatcmpl` */
export function newHead(kind: string, response: Response, model: string): CompletionHead {
  return {
    id: `${kind}-${arrivalOf(response).rid}`,
    createdAtSeconds: Math.floor(Date.now() / 1000),
    model,
  };
}
