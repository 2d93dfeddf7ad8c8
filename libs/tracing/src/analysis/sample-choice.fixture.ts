import { AttributeName, EventName, SliceName } from '../names.js';
import { TraceLevel } from '../trace-level.js';
import { max } from './explainers.js';
import type { LegTimes } from './sample-legs.fixture.js';
import { addBatchStep, type SampleParts } from './sample-parts.fixture.js';

export interface TextTimes {
  /** When the gateway has the first text and the last. */
  readonly firstTextNs: bigint;
  readonly lastTextNs: bigint;
}

/** One choice: its tokens in decode, its text in the tokenizer. */
export function runChoice(
  parts: SampleParts,
  times: LegTimes,
  choice: number,
  previous: { readonly decode: string; readonly tokenizer: string | null },
): TextTimes {
  const { builder, options, take, request } = parts;
  const comeNs = times.firstTokenNs + take('hop:prefill>tokenizer');
  const firstTextNs = comeNs + take('detokenize_first');
  const decodedNs = options.quick
    ? finishQuickly(parts, times, choice, previous.decode)
    : decode(parts, times, choice, previous.decode);
  const lastTokenNs = options.quick ? comeNs : max(firstTextNs, decodedNs + take('hop:decode>tokenizer'));
  const endNs = max(firstTextNs, lastTokenNs + take('detokenize_last'));
  const root = request('tokenizer', comeNs);
  const visit = builder.thread('tokenizer', 'tokenizer', root, comeNs, endNs, { choice, previous: previous.tokenizer });
  const detokenize = builder.slice('tokenizer', visit, SliceName.detokenize, comeNs, endNs);
  builder.event('tokenizer', detokenize, EventName.firstText, firstTextNs);
  builder.event('tokenizer', detokenize, EventName.lastToken, lastTokenNs);
  builder.extend(root, 'tokenizer', endNs);
  const hop = 'hop:tokenizer>gateway';
  return { firstTextNs: firstTextNs + take(hop), lastTextNs: endNs + take(hop) };
}

/** @returns when the last token left */
function decode(parts: SampleParts, { joinedNs }: LegTimes, choice: number, previous: string): bigint {
  const { builder, options, take, request } = parts;
  const { steps = 3 } = options;
  const endNs = joinedNs + take('decode_forward');
  const root = request('decode', joinedNs);
  const visit = builder.thread('decode', 'engine', root, joinedNs, endNs, { choice, previous });
  const forward = builder.slice('decode', visit, SliceName.decodeForward, joinedNs, endNs)!;
  const stepNs = (endNs - joinedNs) / BigInt(steps);
  Object.assign(forward.attributes, {
    [AttributeName.tokens]: steps,
    [AttributeName.firstStep]: 100,
    [AttributeName.lastStep]: 99 + steps,
    [AttributeName.interTokenTimes]: Array.from({ length: steps }, () => Number(stepNs / 1000n)),
  });
  if (builder.level < TraceLevel.all) addBatchStep(parts, 'decode', forward, 100, joinedNs, joinedNs + stepNs);
  for (let step = 0; step < steps && builder.level === TraceLevel.all; step++) {
    const startNs = joinedNs + stepNs * BigInt(step);
    const loop = builder.nested('decode', forward, SliceName.decodeLoop, startNs, startNs + stepNs);
    addBatchStep(parts, 'decode', loop, 100 + step, startNs, startNs + stepNs);
  }
  builder.extend(root, 'decode', endNs);
  return endNs;
}

function finishQuickly(parts: SampleParts, { kvWholeNs }: LegTimes, choice: number, previous: string): bigint {
  const { builder, take, request } = parts;
  const endNs = kvWholeNs + take('quick_finish');
  const root = request('decode', kvWholeNs);
  const visit = builder.thread('decode', 'engine', root, kvWholeNs, endNs, { choice, previous });
  builder.slice('decode', visit, SliceName.quickFinish, kvWholeNs, endNs);
  builder.extend(root, 'decode', endNs);
  return endNs;
}
