import { z } from 'zod';
import { ApiError } from './api-error.js';
import { neutralStreamFields } from './neutral-fields.js';
import { flag, withDefault } from './request-fields.js';

/** How the client wants its answer. */
export interface Delivery {
  readonly stream: boolean;
  /** A last chunk with the usage. */
  readonly includeUsage: boolean;
}

export const deliveryFields = {
  stream: flag(false),
  stream_options: withDefault(z.strictObject({ include_usage: flag(false), ...neutralStreamFields }), null),
};

interface DeliveryBody {
  readonly stream: boolean;
  readonly stream_options: { readonly include_usage: boolean } | null;
}

export function deliveryOf({ stream, stream_options }: DeliveryBody): Delivery {
  if (stream_options !== null && !stream) {
    throw new ApiError(400, "'stream_options' is only allowed when 'stream' is true.", {
      param: 'stream_options',
      code: 'invalid_value',
    });
  }
  return { stream, includeUsage: stream_options?.include_usage ?? false };
}
