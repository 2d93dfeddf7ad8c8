import type { RequestId, Room, WorkerId } from '../ids.js';
import { ProtocolError } from '../protocol-error.js';
import { count, integer, object, requestId, room, tokenIds, u8, workerId } from './parser.js';
import type { SamplingParams } from './sampling-params.js';
import { samplingParams } from './sampling-params.js';

/** What both halves of an attempt are told. */
interface Leg {
  readonly rid: RequestId;
  /** First of the choices that this attempt serves: `choice` to `choice + choices - 1`. */
  readonly choice: number;
  readonly attempt: number;
  readonly choices: number;
  readonly room: Room;
  /** Where a failure is reported. */
  readonly gateway: WorkerId;
  /** Where tokens go. */
  readonly tokenizer: WorkerId;
  readonly promptIds: readonly number[];
  readonly sampling: SamplingParams;
  /** Epoch milliseconds; 0 for none. */
  readonly deadlineMs: number;
}

/** gateway to prefill: compute the prompt, sample the first tokens, send KV to `decode`. */
export interface PrefillLeg extends Leg {
  readonly decode: WorkerId;
}

/** gateway to decode: reserve pages, take KV from `prefill`, go on. */
export interface DecodeLeg extends Leg {
  readonly prefill: WorkerId;
}

const leg = {
  rid: requestId,
  choice: u8,
  attempt: u8,
  choices: integer(1, 256),
  room,
  gateway: workerId,
  tokenizer: workerId,
  promptIds: tokenIds,
  sampling: samplingParams,
  deadlineMs: count,
};
const prefillLeg = object<PrefillLeg>({ ...leg, decode: workerId });
const decodeLeg = object<DecodeLeg>({ ...leg, prefill: workerId });

function checkChoices<T extends Leg>(parsed: T, path: string): T {
  if (parsed.choice + parsed.choices > 256) {
    throw new ProtocolError(
      `${path}.choices`,
      `expected at most ${256 - parsed.choice} from choice ${parsed.choice} on`,
    );
  }
  if (parsed.promptIds.length === 0) throw new ProtocolError(`${path}.promptIds`, 'expected at least one token id');
  return parsed;
}

/** Throws ProtocolError. */
export function parsePrefillLeg(value: unknown): PrefillLeg {
  return checkChoices(prefillLeg(value, 'PrefillLeg'), 'PrefillLeg');
}

/** Throws ProtocolError. */
export function parseDecodeLeg(value: unknown): DecodeLeg {
  return checkChoices(decodeLeg(value, 'DecodeLeg'), 'DecodeLeg');
}
