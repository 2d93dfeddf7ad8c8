import { ApiError } from './api-error.js';

/** The error that `parse` throws. */
export function refusalOf(parse: () => unknown): ApiError {
  let accepted: unknown;
  try {
    accepted = parse();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error(`Accepted as ${JSON.stringify(accepted)}.`);
}

/** What each API says of sampling: field, the last accepted values, the first refused ones. */
export const SAMPLING_LIMITS: [field: string, accepted: unknown[], refused: unknown[]][] = [
  ['temperature', [0, 2], [-0.01, '1', Number.NaN, Infinity]],
  ['top_p', [0.001, 1], [0, 1.001]],
  ['top_k', [-1, 0, 1, 2 ** 32 - 1], [-2, 1.5, 2 ** 32]],
  ['min_p', [0, 1], [-0.01, 1.01]],
  ['presence_penalty', [-2, 2], [-2.01, 2.01, '0']],
  ['frequency_penalty', [-2, 2], [-2.01, 2.01]],
  ['repetition_penalty', [0.01, 2], [0, 2.01]],
  [
    'logit_bias',
    [{}, { 0: -100, [2 ** 32 - 1]: 100 }, manyBiases(1024)],
    [
      { x: 1 },
      { '01': 1 },
      { '-1': 1 },
      { [2 ** 32]: 1 },
      { 1: 100.1 },
      { 1: -101 },
      { 1: '5' },
      [1],
      manyBiases(1025),
    ],
  ],
  ['stop_token_ids', [[], [0], new Array(16).fill(1)], [[-1], [1.5], [2 ** 32], new Array(17).fill(1)]],
  ['ignore_eos', [true], [1]],
  ['n', [1, 8], [0, 9, 1.5]],
];

function manyBiases(count: number): Record<number, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, token) => [token, 1]));
}
