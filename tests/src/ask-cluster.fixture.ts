import assert from 'node:assert/strict';
import { type Answer, chat } from './chat-stream.fixture.js';

const QUESTION = 'What is the capital of France?';

export interface AskedCluster {
  /** Base address. */
  readonly gateway: string;
}

export interface AskOptions {
  readonly maxTokens: number;
  /** True if not given. */
  readonly stream?: boolean;
  /** Of the stream. */
  readonly onEvent?: () => void;
}

/** Asks, and makes sure that all of the answer came. */
export async function ask(cluster: AskedCluster, { maxTokens, stream = true, onEvent }: AskOptions): Promise<Answer> {
  const fields = { content: QUESTION, max_tokens: maxTokens, stream };
  const answer = await chat(cluster.gateway, await servedModel(cluster), fields, onEvent ? { onEvent } : {});
  const { status, isDone, errorCode, completionTokens } = answer;
  assert.deepEqual([status, isDone, errorCode, completionTokens], [200, true, null, maxTokens]);
  return answer;
}

export async function servedModel({ gateway }: AskedCluster): Promise<string> {
  const models = (await (await fetch(`${gateway}/v1/models`)).json()) as { data: { id: string }[] };
  return models.data[0]!.id;
}

/** The same answer streamed and not. @returns its text */
export async function askBothWays(cluster: AskedCluster, maxTokens: number): Promise<string> {
  const whole = await ask(cluster, { maxTokens, stream: false });
  const streamed = await ask(cluster, { maxTokens });
  assert.notEqual(whole.texts[0], '');
  assert.equal(streamed.texts[0], whole.texts[0]);
  return whole.texts[0]!;
}
