import { connect } from '@nats-io/transport-node';
import type { LocalCluster } from '@sliceway/local';
import { ANY_INSTANCE, decodeKvFrame, decodeTokenFrame, subjects } from '@sliceway/protocol';
import { streamChat } from './chat-stream.js';
import { atLeast, type BenchResult } from './result.js';

const WORDS = 240;

/**
 * Watches the wire during a prompt of about 512 tokens in chunks of 128: how many of its KV bytes are there before the
 * first token, which prefill publishes when the last chunk ends, and whether KV follows it. Both come from one connection of
 * prefill's, so their order is the order in which they left.
 */
export async function overlapBench(cluster: LocalCluster, model: string): Promise<BenchResult[]> {
  const connection = await connect({ servers: cluster.natsUrl });
  let bytes = 0;
  let promptTokens = 0;
  let bytesAtFirstToken = -1;
  let framesAfterFirstToken = 0;
  connection.subscribe(subjects.kv(ANY_INSTANCE), {
    callback: (_, message) => {
      const { payload, tokenTo } = decodeKvFrame(message.data);
      bytes += payload.byteLength;
      promptTokens = Math.max(promptTokens, tokenTo);
      if (bytesAtFirstToken >= 0) framesAfterFirstToken++;
    },
  });
  connection.subscribe(subjects.tokens(ANY_INSTANCE), {
    callback: (_, message) => {
      if (decodeTokenFrame(message.data).entries.some(({ index }) => index === 0)) bytesAtFirstToken = bytes;
    },
  });
  await connection.flush();
  await streamChat(cluster.gatewayUrl, model, Array.from({ length: WORDS }, (_, i) => `w${i % 10}`).join(' '), 4);
  await connection.close();
  const note = `prompt of ${promptTokens} tokens, ${(bytes / 1e6).toFixed(1)} MB of KV`;
  return [
    atLeast('KV bytes sent when the last prefill chunk ends', bytesAtFirstToken / bytes, 0.7, note),
    atLeast('KV frames that follow the first token', framesAfterFirstToken, 1, note),
  ];
}
