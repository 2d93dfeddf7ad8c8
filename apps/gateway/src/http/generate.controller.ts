import { Controller, Post, Put, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { GenerationService } from '../requests/generation.service.js';
import { Router } from '../routing/router.js';
import { GenerateEvents } from '../sglang/generate-events.js';
import { generateAnswer } from '../sglang/generate-object.js';
import { parseGenerateRequest } from '../sglang/generate-request.js';
import { AnswerFactory } from './answer-factory.js';
import { arrivalOf } from './arrival.js';

/** SGLang's own API; it takes PUT, too. */
@Controller('generate')
export class GenerateController {
  constructor(
    private readonly generation: GenerationService,
    private readonly answers: AnswerFactory,
    private readonly router: Router,
  ) {}

  @Put()
  put(@Req() request: Request, @Res() response: Response): void {
    this.generate(request, response);
  }

  /** The answer is written by the request's life cycle, not by Nest. */
  @Post()
  generate(@Req() request: Request, @Res() response: Response): void {
    this.generation.run(request, response, () => {
      const served = this.router.models().map(({ name }) => name);
      const { requests, stream, names, ...style } = parseGenerateRequest(request.body, served);
      const { choices, sampling } = requests[0]!;
      const ids = names ?? defaultIds(arrivalOf(response).rid, requests.length * choices, style.isBatch);
      return this.answers.call({
        response,
        requests,
        stream,
        whole: generateAnswer({ ...style, ids }),
        events: () => new GenerateEvents({ ...style, ids }, sampling.logprobs !== null),
      });
    });
  }
}

function defaultIds(rid: string, results: number, isBatch: boolean): string[] {
  return isBatch ? Array.from({ length: results }, (_, index) => `${rid}_${index}`) : [rid];
}
