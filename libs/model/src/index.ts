export { ChatTemplate, type ChatMessage, type RenderOptions, type SpecialTokenTexts } from './chat/chat-template.js';
export { ChatTemplateError, ChatTemplateErrorCode } from './chat/chat-template-error.js';
export { type GgufArray, type GgufScalar, type GgufTensor, type GgufValue } from './gguf/gguf-format.js';
export { GgufFile, openGguf } from './gguf/gguf-file.js';
export { type GgufTensorSource, writeGguf } from './gguf/gguf-writer.js';
export { GgufFloat32, type GgufWritable } from './gguf/write-value.js';
export { tensorByteLength, type TensorType, tensorTypeOfId, tensorTypeOfName } from './gguf/tensor-types.js';
export { ModelFileError, ModelFileErrorCode } from './model-file-error.js';
export { fingerprint, type ModelInfo, modelInfo } from './model-info.js';
export { IncrementalDetokenizer, type TokenBytes } from './text/incremental-detokenizer.js';
export { type StopResult, StopStringMatcher } from './text/stop-string-matcher.js';
export { TextOutput } from './text/text-output.js';
export { type EncodeOptions, loadTokenizer, Tokenizer } from './tokenizer/tokenizer.js';
export { PRE_TOKENIZER_NAMES } from './tokenizer/pre-tokenizers.js';
export { DownloadError, DownloadErrorCode } from './download/download-error.js';
export { downloadFile, type DownloadFileOptions, type TransferLimits } from './download/download-file.js';
export {
  type DownloadProgress,
  downloadFromHub,
  type HubDownload,
  type HubDownloadOptions,
} from './download/download-from-hub.js';
export { type HeldLock, withFileLock } from './download/file-lock.js';
export { type HubConfig, hubConfigFromEnv } from './download/hub.config.js';
