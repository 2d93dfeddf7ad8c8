/** Why a model file cannot be used. Stable: callers branch on it. */
export const ModelFileErrorCode = {
  /** It cannot be opened or read; the message carries the system's reason. */
  UNREADABLE: 'unreadable',
  /** A file that belongs to the model is not there. */
  MISSING_FILE: 'missing_file',
  BAD_MAGIC: 'bad_magic',
  NOT_JSON: 'not_json',
  /** It ends before what its header promises. */
  TRUNCATED: 'truncated',
  UNSUPPORTED_VERSION: 'unsupported_version',
  /** A header entry contradicts itself or has another type than asked for. */
  BAD_METADATA: 'bad_metadata',
  MISSING_METADATA: 'missing_metadata',
  BAD_TENSOR: 'bad_tensor',
  BAD_SHAPE: 'bad_shape',
  MISSING_TENSOR: 'missing_tensor',
  UNKNOWN_TENSOR_TYPE: 'unknown_tensor_type',
  UNSUPPORTED_ARCHITECTURE: 'unsupported_architecture',
  UNSUPPORTED_TOKENIZER: 'unsupported_tokenizer',
  /** The chat template does not parse. */
  BAD_TEMPLATE: 'bad_template',
} as const;
export type ModelFileErrorCode = (typeof ModelFileErrorCode)[keyof typeof ModelFileErrorCode];

/** A model file that cannot be used; `code` says why, the message which file, which part of it and where. */
export class ModelFileError extends Error {
  override readonly name = 'ModelFileError';

  constructor(
    readonly code: ModelFileErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
