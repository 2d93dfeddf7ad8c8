import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from './stream-client.js';

/** Sends one request; `index` counts them. */
export type Send = (index: number) => Promise<Answer>;

/** So many clients, each with its next request as soon as its last one has ended. Ends when all began by `durationMs` have. */
export async function closedLoop(clients: number, durationMs: number, send: Send): Promise<Answer[]> {
  const untilMs = performance.now() + durationMs;
  const answers: Answer[] = [];
  let index = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < untilMs) answers.push(await send(index++));
  };
  await Promise.all(Array.from({ length: clients }, client));
  return answers;
}

/** Requests at an even rate whatever becomes of them. Ends when all have ended. */
export async function openLoop(perSecond: number, durationMs: number, send: Send): Promise<Answer[]> {
  const startMs = performance.now();
  const sent: Promise<Answer>[] = [];
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs = performance.now() - startMs) {
    while (sent.length < (elapsedMs / 1000) * perSecond) sent.push(send(sent.length));
    await sleep(1);
  }
  return Promise.all(sent);
}
