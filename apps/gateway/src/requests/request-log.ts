import { requestLogger, type Logger } from '@sliceway/service';
import type { RequestTrace } from '@sliceway/tracing';
import type { Usage } from '../openai/completion-sink.js';
import { RequestEnd } from './request-observer.js';

export interface EndedRequest {
  readonly end: RequestEnd;
  /** Of an end other than `finished`. */
  readonly code: string | null;
  readonly usage: Usage;
  readonly durationMs: number;
  /** Null if it had no token. */
  readonly ttftMs: number | null;
}

/** One line a request, when it has ended, and one for each attempt that was lost: what it cost, never what it said. */
export class RequestLog {
  constructor(
    private readonly logger: Logger,
    private readonly rid: string,
    private readonly trace: RequestTrace,
  ) {}

  retried(attempt: number, code: string | null): void {
    this.#write('warn', { attempt, code }, 'request is tried again');
  }

  ended({ end, code, usage, durationMs, ttftMs }: EndedRequest): void {
    const fields = {
      end,
      ...(code === null ? {} : { code }),
      prompt_tokens: usage.promptTokens,
      completion_tokens: usage.completionTokens,
      duration_ms: rounded(durationMs),
      ...(ttftMs === null ? {} : { ttft_ms: rounded(ttftMs) }),
    };
    this.#write(end === RequestEnd.finished ? 'info' : 'warn', fields, `request ${end}`);
  }

  /** A child logger costs as much as its line: one is made where there is one. */
  #write(level: 'info' | 'warn', fields: object, message: string): void {
    if (this.logger.isLevelEnabled(level)) requestLogger(this.logger, this.rid, this.trace)[level](fields, message);
  }
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;
