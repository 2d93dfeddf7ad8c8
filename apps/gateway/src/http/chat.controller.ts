import { Controller, Post, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ChatService } from '../requests/chat.service.js';

/** OpenAI's chat completions. */
@Controller('v1/chat/completions')
export class ChatController {
  constructor(private readonly chat: ChatService) {}

  /** The answer is written by the request's life cycle, not by Nest. */
  @Post()
  complete(@Req() request: Request, @Res() response: Response): void {
    this.chat.complete(request, response);
  }
}
