import { TraceLevel } from './trace-level.js';

/** Every slice that the services emit. */
export const SliceName = {
  // gateway
  receive: 'receive',
  admission: 'admission',
  tokenizeWait: 'tokenize_wait',
  route: 'route',
  dispatch: 'dispatch',
  firstTokenWait: 'first_token_wait',
  stream: 'stream',
  socketWrite: 'socket_write',
  // tokenizer
  tokenize: 'tokenize',
  chatTemplate: 'chat_template',
  apiServerDispatch: 'api_server_dispatch',
  detokenize: 'detokenize',
  // prefill
  prefillPrepare: 'prefill_prepare',
  prefillBootstrap: 'prefill_bootstrap',
  prefillWaiting: 'prefill_waiting',
  prefillForward: 'prefill_forward',
  chunkedPrefill: 'chunked_prefill',
  prefillTransferKvCache: 'prefill_transfer_kv_cache',
  // decode
  decodePrepare: 'decode_prepare',
  decodeBootstrap: 'decode_bootstrap',
  decodeTransferred: 'decode_transferred',
  decodeWaiting: 'decode_waiting',
  decodeForward: 'decode_forward',
  decodeLoop: 'decode_loop',
  quickFinish: 'quick_finish',
} as const;
export type SliceName = (typeof SliceName)[keyof typeof SliceName];

/** A span that is no slice. */
export const SpanName = {
  /** One forward of the engine for all of its batch: the root of a trace of its own. */
  batchStep: 'batch_step',
} as const;
export type SpanName = (typeof SpanName)[keyof typeof SpanName];

/** The lowest level at which a slice is recorded; those of level 3 are nested in the one before them. */
export const SLICE_LEVEL: Readonly<Record<SliceName, TraceLevel>> = {
  receive: TraceLevel.important,
  admission: TraceLevel.important,
  tokenize_wait: TraceLevel.important,
  route: TraceLevel.important,
  dispatch: TraceLevel.normal,
  first_token_wait: TraceLevel.important,
  stream: TraceLevel.important,
  socket_write: TraceLevel.all,
  tokenize: TraceLevel.important,
  chat_template: TraceLevel.all,
  api_server_dispatch: TraceLevel.normal,
  detokenize: TraceLevel.important,
  prefill_prepare: TraceLevel.important,
  prefill_bootstrap: TraceLevel.important,
  prefill_waiting: TraceLevel.important,
  prefill_forward: TraceLevel.important,
  chunked_prefill: TraceLevel.all,
  prefill_transfer_kv_cache: TraceLevel.important,
  decode_prepare: TraceLevel.important,
  decode_bootstrap: TraceLevel.important,
  decode_transferred: TraceLevel.important,
  decode_waiting: TraceLevel.important,
  decode_forward: TraceLevel.important,
  decode_loop: TraceLevel.all,
  quick_finish: TraceLevel.important,
};

/** Below it there are no message spans. */
export const MESSAGE_LEVEL: TraceLevel = TraceLevel.all;

/** `messaging.operation.name` of message spans, which are called `<operation> <destination template>`. */
export const MessageOperation = {
  /** A PRODUCER span: until the message is with the NATS client. */
  send: 'send',
  /** A CONSUMER span: while the message is handled. */
  process: 'process',
} as const;
export type MessageOperation = (typeof MessageOperation)[keyof typeof MessageOperation];

/** `messaging.system` of message spans. */
export const MESSAGING_SYSTEM = 'nats';

export const EventName = {
  /** A forward took the request in: `bid`, `batch_size`, `forward_mode`. */
  schedule: 'schedule',
  /** The sequence was preempted and will be computed again. */
  retract: 'retract',
  /** What the router chose from, with scores. */
  candidates: 'candidates',
  /** The first text of a choice has left the tokenizer. */
  firstText: 'first_text',
  /** The last token of a choice has come to the tokenizer. */
  lastToken: 'last_token',
  /** The last text of a request has come to the gateway. */
  lastText: 'last_text',
} as const;
export type EventName = (typeof EventName)[keyof typeof EventName];

/** Why a span links to another. */
export const LinkKind = {
  /** The slice before it, on this thread or on the one that handed the request over. */
  previous: 'prev',
  /**
   * The other end of a KV transfer: `decode_transferred` has it from its start, `prefill_transfer_kv_cache` when decode has
   * acknowledged a part of it, before which that slice may not exist.
   */
  kv: 'kv',
  /** The batch step that it was part of. */
  batch: 'batch',
  /** A new attempt and the lost one. */
  retryOf: 'retry_of',
  /** The PRODUCER span of the message that a CONSUMER span is of. */
  message: 'message',
} as const;
export type LinkKind = (typeof LinkKind)[keyof typeof LinkKind];

export const AttributeName = {
  // request
  rid: 'rid',
  bootstrapRoom: 'bootstrap_room',
  module: 'module',
  choice: 'choice',
  attempt: 'attempt',
  dropped: 'sliceway.dropped',
  operationName: 'gen_ai.operation.name',
  providerName: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  responseModel: 'gen_ai.response.model',
  maxTokens: 'gen_ai.request.max_tokens',
  temperature: 'gen_ai.request.temperature',
  topP: 'gen_ai.request.top_p',
  topK: 'gen_ai.request.top_k',
  seed: 'gen_ai.request.seed',
  choiceCount: 'gen_ai.request.choice.count',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  finishReasons: 'gen_ai.response.finish_reasons',
  // thread
  threadLabel: 'thread_label',
  tpRank: 'tp_rank',
  dpRank: 'dp_rank',
  ppRank: 'pp_rank',
  hostId: 'host_id',
  pid: 'pid',
  // link
  linkKind: 'link.kind',
  // batch step
  bid: 'bid',
  batchSize: 'batch_size',
  forwardMode: 'forward_mode',
  membersOmitted: 'members_omitted',
  firstStep: 'first_step',
  lastStep: 'last_step',
  /** µs until each token left, the first from the slice's start: together they are the slice. */
  interTokenTimes: 'inter_token_times',
  /** Tokens that one of these times stands for, where there were too many for one each. */
  interTokenStride: 'inter_token_stride',
  /** Changes of the batch that have no `schedule` event, since there were too many. */
  schedulesOmitted: 'schedules_omitted',
  // slice
  queuePosition: 'queue_position',
  tokensAhead: 'tokens_ahead',
  tokens: 'tokens',
  cachedTokens: 'cached_tokens',
  bytes: 'bytes',
  chunks: 'chunks',
  megabytesPerSecond: 'mb_per_s',
  // message
  messagingSystem: 'messaging.system',
  messagingOperationName: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  messagingDestinationName: 'messaging.destination.name',
  messagingDestinationTemplate: 'messaging.destination.template',
  messagingClientId: 'messaging.client.id',
  messagingConversationId: 'messaging.message.conversation_id',
} as const;
export type AttributeName = (typeof AttributeName)[keyof typeof AttributeName];
