import { z } from 'zod';

/** Marks an issue that names a feature, not a wrong value. */
export const UNSUPPORTED_PARAMETER = 'unsupported_parameter';

/**
 * A field of an API whose feature does not exist here. The value that asks for nothing is accepted, since clients
 * send it; any other is refused by name, never ignored.
 */
export function neutral(isNeutral: (value: unknown) => boolean, hint: string): z.ZodType {
  const refuseOthers = z.unknown().superRefine((value, context) => {
    if (value === null || isNeutral(value)) return;
    context.addIssue({
      code: 'custom',
      message: `is not supported; leave it out or send ${hint}`,
      params: { code: UNSUPPORTED_PARAMETER },
    });
  });
  return refuseOthers.optional();
}

export const only = (...values: readonly unknown[]) =>
  neutral((value) => values.includes(value), values.map((value) => JSON.stringify(value)).join(' or '));
export const emptyList = neutral((value) => Array.isArray(value) && value.length === 0, '[]');
export const nullOnly = neutral(() => false, 'null');

/** Fields of a chat request. */
export const neutralChatFields = {
  tools: emptyList,
  functions: emptyList,
  tool_choice: only('none', 'auto'),
  function_call: only('none', 'auto'),
  response_format: neutral(
    (value) => typeof value === 'object' && (value as { type?: unknown }).type === 'text',
    '{"type":"text"}',
  ),
  modalities: neutral((value) => Array.isArray(value) && value.every((item) => item === 'text'), '["text"]'),
  store: only(false),
  service_tier: only('auto', 'default'),
  reasoning_effort: only('none'),
  verbosity: only('medium'),
  audio: nullOnly,
  prediction: nullOnly,
  web_search_options: nullOnly,
};

/** Fields of a completion request. */
export const neutralCompletionFields = {
  suffix: only(''),
};

/** Fields of a message; the ones that a client sends back with an answer of ours. */
export const neutralMessageFields = {
  name: nullOnly,
  refusal: nullOnly,
  audio: nullOnly,
  function_call: nullOnly,
  tool_calls: emptyList,
  annotations: emptyList,
};

/** Fields of `stream_options`. */
export const neutralStreamFields = {
  include_obfuscation: only(false),
  continuous_usage_stats: only(false),
};
