import { LocalEngine } from '@sliceway/engine';
import type { LocalCluster } from '@sliceway/local';
import { streamChat } from './chat-stream.js';
import { atLeast, type BenchResult } from './result.js';

const STREAMS = 8;
const TOKENS = 128;
const PAIRS = 2;
const QUESTIONS = [
  'What is the capital of France?',
  'Name three colours.',
  'Why is the sky blue?',
  'Count to five.',
  'Who wrote Hamlet?',
  'What do bees make?',
  'Say hello in Spanish.',
  'What is two plus two?',
];

/** Tokens a second of the cluster with eight streams at once against LocalEngine with the same batch, in turn. */
export async function throughputBench(cluster: LocalCluster, modelPath: string, model: string): Promise<BenchResult> {
  const local = await LocalEngine.start({ modelPath, backend: 'wasm' });
  const ratios: number[] = [];
  const notes: string[] = [];
  let right = true;
  for (let pair = 0; pair < PAIRS; pair++) {
    const ours = await time(() =>
      Promise.all(QUESTIONS.map((question) => streamChat(cluster.gatewayUrl, model, question, TOKENS))),
    );
    const alone = await time(() => Promise.all(QUESTIONS.map((question) => generate(local, question))));
    right &&= ours.value.every(
      ({ text, completionTokens }, i) => text === alone.value[i] && completionTokens === TOKENS,
    );
    ratios.push(alone.seconds / ours.seconds);
    notes.push(`${rate(ours.seconds)} against ${rate(alone.seconds)} tokens/s`);
  }
  await local.close();
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / PAIRS;
  const result = atLeast(`cluster tokens/s, ${STREAMS} streams, against LocalEngine`, mean, 0.9, notes.join('; '));
  return right ? result : { ...result, holds: false, note: `${result.note}; TEXTS DIFFER` };
}

async function generate(local: LocalEngine, content: string): Promise<string> {
  let text = '';
  const prompt = { messages: [{ role: 'user', content }] };
  for await (const chunk of local.generate(prompt, { maxNewTokens: TOKENS, ignoreEos: true })) text += chunk.text;
  return text;
}

const rate = (seconds: number): string => ((STREAMS * TOKENS) / seconds).toFixed(1);

async function time<T>(work: () => Promise<T>): Promise<{ value: T; seconds: number }> {
  const start = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - start) / 1000 };
}
