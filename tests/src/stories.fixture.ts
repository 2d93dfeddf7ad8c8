import type { ClusterProcess } from '@sliceway/local';
import type { Answer, ChatFields } from './chat-stream.fixture.js';
import type { Expected } from './cluster.fixture.js';

/** The requests of a load, each with a content of its own; every other one is not streamed. The first one is the one to watch. */
export const STORIES: readonly ChatFields[] = Array.from({ length: 6 }, (_, i) => ({
  content: `Story ${i}: ${'once upon a time '.repeat(15)}`,
  max_tokens: i === 0 ? 200 : 100,
  stream: i % 2 === 0,
  n: i === 4 ? 2 : 1,
}));
export const FIRST = STORIES[0]!;

/** A request and what came of it. */
export interface Outcome {
  readonly fields: ChatFields;
  readonly gateway: ClusterProcess;
  readonly answer: Answer | null;
  /** What the client saw when there was no answer. */
  readonly error: Error | null;
}

/** In a few words: `whole`, or what is wrong with it. */
export function verdictOf({ fields, answer, error }: Outcome, expected: Expected): string {
  if (error !== null) return error.name === 'TimeoutError' ? 'hangs' : `no answer: ${error.message}`;
  const { texts, errorCode, isDone, completionTokens, status } = answer!;
  if (errorCode !== null) return `${fields.stream && texts.length > 0 ? 'cut' : status}: ${errorCode}`;
  if (!isDone) return 'the stream ended without an error';
  const isSame = completionTokens === expected.tokens.flat().length && texts.join('|') === expected.texts.join('|');
  return isSame ? 'whole' : `another text: ${JSON.stringify(texts)}`;
}
