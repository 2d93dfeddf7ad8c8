import { FailureCode, FinishReason, type TokenEntry, type TokenLogprobs } from '@sliceway/protocol';

/** A token as an engine tells of it. */
interface SampledToken {
  readonly choice: number;
  readonly index: number;
  readonly token: number;
  readonly finish: 'stop' | 'length' | null;
  readonly logprobs?: TokenLogprobs;
}

const FAILURE_CODES: ReadonlySet<string> = new Set(Object.values(FailureCode));

/** An engine's finish as it goes over the wire. */
export function wireFinish(finish: SampledToken['finish']): FinishReason {
  return finish === null ? FinishReason.none : FinishReason[finish];
}

export function tokenEntryOf(leg: { readonly rid: string; readonly attempt: number }, event: SampledToken): TokenEntry {
  const { choice, index, token, logprobs } = event;
  return {
    rid: leg.rid,
    choice,
    attempt: leg.attempt,
    finish: wireFinish(event.finish),
    index,
    tokens: [token],
    logprobs: logprobs ? [logprobs] : null,
  };
}

/** The wire's code for what an engine threw. */
export function failureCodeOf(error: unknown): FailureCode {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && FAILURE_CODES.has(code) ? (code as FailureCode) : FailureCode.engineError;
}
