import { Controller, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { parseCompletionRequest } from '../openai/completion-request.js';
import { TextChunks } from '../openai/text-chunks.js';
import { textCompletion } from '../openai/text-completion.js';
import { GenerationService } from '../requests/generation.service.js';
import { AnswerFactory, newHead } from './answer-factory.js';

/** OpenAI's older completions. */
@Controller('v1/completions')
export class CompletionsController {
  constructor(
    private readonly generation: GenerationService,
    private readonly answers: AnswerFactory,
  ) {}

  /** The answer is written by the request's life cycle, not by Nest. */
  @Post()
  complete(@Req() request: Request, @Res() response: Response): void {
    this.generation.run(request, response, () => {
      const { requests, stream, includeUsage, echo } = parseCompletionRequest(request.body);
      const head = newHead('cmpl', response, requests[0]!.model);
      const options = { head, withUsage: includeUsage, echo };
      return this.answers.call({
        response,
        requests,
        stream,
        whole: textCompletion(head, echo),
        events: (fingerprint) => new TextChunks(options, fingerprint),
      });
    });
  }
}
