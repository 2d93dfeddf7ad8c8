import type { TextLogprobs } from '@sliceway/protocol';
import { GenerateEvents } from './generate-events.js';
import { generateAnswer, type GenerateStyle } from './generate-object.js';

const style: GenerateStyle = {
  ids: ['r_0', 'r_1'],
  isBatch: false,
  withPromptIds: false,
  withTopLogprobs: false,
  withLogprobText: false,
};
const logprobs: TextLogprobs[] = [
  { bytes: Uint8Array.of(97), logprob: -1, top: [{ token: 8, bytes: Uint8Array.of(98), logprob: -0.5 }] },
];
const choice = { text: 'a', tokenIds: [7, 0], logprobs: null, end: 'stop', matchedStop: 0 } as const;
const limited = { ...choice, end: 'length', matchedStop: null } as const;
const answer = { fingerprint: 'f', promptTexts: [null], usage: { promptTokens: 2, completionTokens: 2 } };
const meta = {
  id: 'r_0',
  finish_reason: { type: 'stop', matched: 0 },
  prompt_tokens: 2,
  completion_tokens: 2,
  cached_tokens: 0,
};

describe('generateAnswer', () => {
  it('is one result, or a list of them', () => {
    const one = { text: 'a', output_ids: [7, 0], meta_info: meta };
    expect(generateAnswer(style)({ ...answer, prompts: [[4, 5]], choices: [choice] })).toEqual(one);
    const batch = generateAnswer({ ...style, isBatch: true });
    expect(batch({ ...answer, prompts: [[4, 5], [6]], choices: [choice, limited] })).toEqual([
      one,
      {
        text: 'a',
        output_ids: [7, 0],
        meta_info: { ...meta, id: 'r_1', finish_reason: { type: 'length', length: 2 }, prompt_tokens: 1 },
      },
    ]);
  });

  it('has log probabilities and the prompt where they were asked for', () => {
    const whole = { ...answer, prompts: [[4, 5]], choices: [{ ...choice, logprobs }] };
    expect(generateAnswer({ ...style, withPromptIds: true })(whole)).toEqual({
      text: 'a',
      output_ids: [7, 0],
      prompt_token_ids: [4, 5],
      meta_info: { ...meta, input_token_logprobs: [], output_token_logprobs: [[-1, 7, null]] },
    });
    expect(generateAnswer({ ...style, withTopLogprobs: true, withLogprobText: true })(whole)).toMatchObject({
      meta_info: {
        output_token_logprobs: [[-1, 7, 'a']],
        input_top_logprobs: [],
        output_top_logprobs: [[[-0.5, 8, 'b']]],
      },
    });
  });
});

it('GenerateEvents say all so far, and whose it is', () => {
  const events = new GenerateEvents({ ...style, isBatch: true }, false);
  const said = (json: string | null) => JSON.parse(json as string) as object;
  const piece = (text: string, token: number) => ({ text, tokenIds: [token], logprobs: null });
  expect(events.piece(1, { text: '', tokenIds: [], logprobs: null }, [4])).toBeNull();
  expect(said(events.piece(1, piece('a', 7), [4]))).toEqual({
    text: 'a',
    output_ids: [7],
    meta_info: { id: 'r_1', finish_reason: null, prompt_tokens: 1, completion_tokens: 1, cached_tokens: 0 },
    index: 1,
  });
  expect(said(events.piece(0, piece('x', 9), [4, 5]))).toMatchObject({ text: 'x', index: 0 });
  expect(said(events.piece(1, piece('b', 8), [4]))).toMatchObject({ text: 'ab', output_ids: [7, 8] });
  expect(said(events.finish(1, 'stop', 'c', [4]))).toMatchObject({
    text: 'ab',
    meta_info: { finish_reason: { type: 'stop', matched: 'c' }, completion_tokens: 2 },
  });
});
