/** Why a prompt was refused. Stable: the gateway answers by it; a chat template's own codes join them. */
export const EncodeErrorCode = {
  queueFull: 'queue_full',
  promptTooLong: 'prompt_too_long',
  emptyPrompt: 'empty_prompt',
  badTokenId: 'bad_token_id',
  badStop: 'bad_stop',
  /** Nobody waits for it any more. */
  deadline: 'deadline',
  /** The service takes no new requests. */
  draining: 'draining',
  /** This attempt was aborted before its prompt came, or a newer one is known. */
  aborted: 'aborted',
} as const;
export type EncodeErrorCode = (typeof EncodeErrorCode)[keyof typeof EncodeErrorCode];

/** A prompt that is not taken; code and message go to the gateway in the reply. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';

  constructor(
    /** Of `EncodeErrorCode` or `ChatTemplateErrorCode`. */
    readonly code: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
