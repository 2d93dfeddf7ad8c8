import { AttributeName } from './names.js';

/**
 * Names that SGLang gives to what some attributes here say: older ones than OpenTelemetry's conventions have now. With
 * SLICEWAY_TRACE_SGLANG_NAMES spans have them beside ours. Those that are not here are the same, or are a span's time.
 *
 * https://github.com/sgl-project/sglang/blob/main/python/sglang/srt/observability/trace.py, `SpanAttributes`
 */
export const SGLANG_NAMES: Readonly<Partial<Record<string, string>>> = {
  [AttributeName.rid]: 'gen_ai.request.id',
  [AttributeName.choiceCount]: 'gen_ai.request.n',
  [AttributeName.inputTokens]: 'gen_ai.usage.prompt_tokens',
  [AttributeName.outputTokens]: 'gen_ai.usage.completion_tokens',
  [AttributeName.cachedTokens]: 'gen_ai.usage.cached_tokens',
};
