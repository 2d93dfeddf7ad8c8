import type { GenerationRequest } from '../requests/generation-request.js';
import type { CompletionSink } from './completion-sink.js';

/** The one answer of an HTTP request, however many prompts it has. */
export interface Answer {
  /**
   * Where the choices of one prompt go, its end and its error included. The last end ends the answer; the first failure
   * fails it, and what the other prompts still say goes nowhere.
   */
  sink(prompt: number): CompletionSink;
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
