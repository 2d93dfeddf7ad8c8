import type { RequestId, WorkerId } from '../ids.js';
import {
  array,
  boolean,
  count,
  integer,
  nullable,
  object,
  oneKeyOf,
  oneOf,
  requestId,
  string,
  tokenIds,
  u8,
  workerId,
} from './parser.js';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
}

/** Rendered with the model's chat template, encoded as it is, or taken as token ids. */
export type EncodePrompt =
  { readonly messages: readonly ChatMessage[] } | { readonly text: string } | { readonly ids: readonly number[] };

/** gateway to tokenizer: encode a prompt, and open the request's detokenizer state. */
export interface EncodeRequest {
  readonly rid: RequestId;
  readonly attempt: number;
  readonly prompt: EncodePrompt;
  /** Whether the reply is to have the text of the prompt's ids. */
  readonly withText: boolean;
  /** Epoch milliseconds; 0 for none. */
  readonly deadlineMs: number;
  readonly output: {
    /** Where the text goes. */
    readonly gateway: WorkerId;
    /** Choices 0 to `choices - 1`. */
    readonly choices: number;
    readonly stop: readonly string[];
  };
}

export type EncodeReply =
  | {
      readonly rid: RequestId;
      readonly promptIds: readonly number[];
      /** With special tokens written out; null where it was not asked for. */
      readonly text: string | null;
    }
  | { readonly rid: RequestId; readonly error: { readonly code: string; readonly message: string } };

const chatMessage = object<ChatMessage>({
  role: oneOf(['system', 'user', 'assistant', 'tool'] as const),
  content: string,
});

const encodeRequest = object<EncodeRequest>({
  rid: requestId,
  attempt: u8,
  prompt: oneKeyOf<EncodePrompt>({
    messages: object<{ messages: ChatMessage[] }>({ messages: array(chatMessage, 1) }),
    text: object<{ text: string }>({ text: string }),
    ids: object<{ ids: number[] }>({ ids: tokenIds }),
  }),
  withText: boolean,
  deadlineMs: count,
  output: object<EncodeRequest['output']>({
    gateway: workerId,
    choices: integer(1, 256),
    stop: array(string),
  }),
});

const encodeReply = oneKeyOf<EncodeReply>({
  promptIds: object<{ rid: RequestId; promptIds: number[]; text: string | null }>({
    rid: requestId,
    promptIds: tokenIds,
    text: nullable(string),
  }),
  error: object<{ rid: RequestId; error: { code: string; message: string } }>({
    rid: requestId,
    error: object<{ code: string; message: string }>({ code: string, message: string }),
  }),
});

/** Throws ProtocolError. */
export function parseEncodeRequest(value: unknown): EncodeRequest {
  return encodeRequest(value, 'EncodeRequest');
}

/** Throws ProtocolError. */
export function parseEncodeReply(value: unknown): EncodeReply {
  return encodeReply(value, 'EncodeReply');
}
