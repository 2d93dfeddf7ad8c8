import type { GenerationRequest } from '../requests/generation-request.js';
import type { CompletionSink } from './completion-sink.js';

/** Told of each write to the client when it is over. @param startTs as `now()` gives it */
export type WriteListener = (startTs: number) => void;

/** The one answer of an HTTP request, however many prompts it has. */
export interface Answer {
  /**
   * Where the choices of one prompt go, its end and its error included. The last end ends the answer; the first failure
   * fails it, and what the other prompts still say goes nowhere.
   *
   * @param onWrite of what is written for this prompt; null where nobody asks
   */
  sink(prompt: number, onWrite?: WriteListener | null): CompletionSink;
}

/** An HTTP request that was read and understood, whatever its API. */
export interface Call {
  /** One a prompt, at least one; all of one model, with the same number of choices. */
  readonly requests: readonly GenerationRequest[];
  readonly answer: Answer;
}

/**
 * Reads the body: `GenerationService.run(request, response, readCall)` calls it once, after the request is on record.
 *
 * @throws ApiError for what the API refuses
 */
export type ReadCall = () => Call;
