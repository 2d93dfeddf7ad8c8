export { ChatTemplate, type ChatMessage, type RenderOptions, type SpecialTokenTexts } from './chat/chat-template.js';
export { ChatTemplateError, ChatTemplateErrorCode } from './chat/chat-template-error.js';
export { findModel, isGguf, type ModelLocation } from './find-model.js';
export { type GgufTensorSource, writeGguf } from './gguf/gguf-writer.js';
export { GgufFloat32, type GgufWritable } from './gguf/write-value.js';
export { tensorByteLength, tensorTypeOfName } from './gguf/tensor-types.js';
export { ModelFileError, ModelFileErrorCode } from './model-file-error.js';
export type { ModelConfig, RopeScaling } from './model-config.js';
export type { ModelFile, ModelTensor } from './model-file.js';
export { openModel } from './open-model.js';
export { writeSafetensors } from './safetensors/write-safetensors.js';
export type { ModelInfo } from './model-info.js';
export type { TokenBytes } from './text/incremental-detokenizer.js';
export type { StopResult } from './text/stop-string-matcher.js';
export { TextOutput } from './text/text-output.js';
export { type EncodeOptions, Tokenizer } from './tokenizer/tokenizer.js';
export { DownloadError, DownloadErrorCode } from './download/download-error.js';
export {
  type DownloadProgress,
  downloadFromHub,
  type HubDownload,
  type HubDownloadOptions,
} from './download/download-from-hub.js';
export { downloadHubModel, type HubModelId, parseHubModelId } from './download/hub-model.js';
export { type HeldLock, withFileLock } from './download/file-lock.js';
export type { HubConfig } from './download/hub.config.js';
