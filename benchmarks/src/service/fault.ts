import { type Answer, readChat } from './stream-client.js';

/** What is wrong with streams that should all have ended well after so many tokens; null if nothing is. */
export function faultOf(answers: readonly Answer[], tokensEach: number): string | null {
  for (const answer of answers) {
    try {
      const { tokens } = readChat(answer);
      if (tokens !== tokensEach) return `an answer of ${tokens} tokens, not ${tokensEach}`;
    } catch (error) {
      return (error as Error).message;
    }
  }
  return answers.length === 0 ? 'no answer' : null;
}
