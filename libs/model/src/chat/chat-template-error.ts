/** Why a conversation could not be rendered. Stable: the gateway answers 400 with it. */
export const ChatTemplateErrorCode = {
  /** The model has no chat template. */
  NO_TEMPLATE: 'no_chat_template',
  /** The template itself refused the messages (`raise_exception`); the message is the template's. */
  REFUSED: 'messages_refused',
  /** The template could not deal with the messages. */
  RENDER_FAILED: 'render_failed',
} as const;
export type ChatTemplateErrorCode = (typeof ChatTemplateErrorCode)[keyof typeof ChatTemplateErrorCode];

/** A conversation that the model's chat template does not accept: the request is at fault, not the server. */
export class ChatTemplateError extends Error {
  override readonly name = 'ChatTemplateError';

  constructor(
    readonly code: ChatTemplateErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
