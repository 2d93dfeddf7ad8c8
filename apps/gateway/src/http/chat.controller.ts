import { Controller, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ChatChunks } from '../openai/chat-chunks.js';
import { chatCompletion } from '../openai/chat-completion.js';
import { parseChatRequest } from '../openai/chat-request.js';
import { GenerationService } from '../requests/generation.service.js';
import { AnswerFactory, newHead } from './answer-factory.js';

/** OpenAI's chat completions. */
@Controller('v1/chat/completions')
export class ChatController {
  constructor(
    private readonly generation: GenerationService,
    private readonly answers: AnswerFactory,
  ) {}

  /** The answer is written by the request's life cycle, not by Nest. */
  @Post()
  complete(@Req() request: Request, @Res() response: Response): void {
    this.generation.run(request, response, () => {
      const { request: chat, stream, includeUsage } = parseChatRequest(request.body);
      const head = newHead('chatcmpl', response, chat.model);
      return this.answers.call({
        response,
        requests: [chat],
        stream,
        whole: chatCompletion(head),
        events: (fingerprint) => new ChatChunks(head, fingerprint, includeUsage),
      });
    });
  }
}
