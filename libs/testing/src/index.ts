export { type FamilyConfig, type RopeParameters } from './family-config.js';
export { mulberry32 } from './mulberry32.js';
export { type FamilySpec, tinyFamily, type TinyFamilyOptions } from './tiny-family.js';
export { tinyModel, type TinyModelOptions } from './tiny-model.js';
export { OtlpReceiver, type OtlpReceiverMode, startOtlpReceiver } from './otlp-receiver.js';
export {
  decodeTraceRequest,
  encodeTraceResponse,
  type OtlpKeyValue,
  type OtlpResourceSpans,
  type OtlpSpan,
  type OtlpTraceRequest,
  type OtlpValue,
  toTraceSpans,
} from './otlp-spans.js';
export {
  makeCertificates,
  securedNats,
  type SecuredNats,
  type SecuredNatsOptions,
  type SecuredUser,
} from './secured-nats.js';
export { type TraceFault, TraceRule } from './trace-fault.js';
export { validateTrace, type ValidateTraceOptions } from './trace-validator.js';
