/** OpenAI's `error.type`. */
export const ApiErrorType = {
  invalidRequest: 'invalid_request_error',
  rateLimit: 'rate_limit_error',
  server: 'server_error',
} as const;
export type ApiErrorType = (typeof ApiErrorType)[keyof typeof ApiErrorType];

export interface ApiErrorDetails {
  /** The request field at fault, `messages[0].content`. */
  readonly param?: string;
  readonly code?: string;
  /** Seconds after which a new try is worth it: `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** The connection is closed after the answer, so that the client's next request opens one elsewhere. */
  readonly closesConnection?: boolean;
  readonly cause?: unknown;
}

/** The body of an error answer and the payload of an error event. */
export interface ApiErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: ApiErrorType;
    readonly param: string | null;
    readonly code: string | null;
  };
}

/** An error as a client sees it: an HTTP status and OpenAI's error object. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly type: ApiErrorType;
  readonly param: string | null;
  readonly code: string | null;
  readonly retryAfterSeconds: number | null;
  readonly closesConnection: boolean;

  constructor(
    readonly status: number,
    message: string,
    details: ApiErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.type = typeOf(status);
    this.param = details.param ?? null;
    this.code = details.code ?? null;
    this.retryAfterSeconds = details.retryAfterSeconds ?? null;
    this.closesConnection = details.closesConnection ?? false;
  }

  get body(): ApiErrorBody {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.code } };
  }
}

function typeOf(status: number): ApiErrorType {
  if (status === 429) return ApiErrorType.rateLimit;
  return status < 500 ? ApiErrorType.invalidRequest : ApiErrorType.server;
}
