import type { NatsConnection } from '@nats-io/transport-node';
import {
  decodeTokenFrame,
  encodeTextFrame,
  FinishReason,
  FrameCounter,
  parseEncodeRequest,
  subjects,
  type Abort,
  type EncodeRequest,
  type TextEntry,
  type TokenEntry,
} from '@sliceway/protocol';
import { FakePeer } from './fake-peer.js';
import { replyPacket } from './nest-wire.js';

interface State {
  readonly request: EncodeRequest;
  readonly texts: string[];
}

/** One prompt token per character; token `n` reads `n` and a blank, in a prompt `<n>`. Finds stop strings. */
export class FakeTokenizer extends FakePeer {
  readonly requests: { request: EncodeRequest; traceparent: string | undefined }[] = [];
  readonly live = new Map<string, State>();
  /** Does not answer while it is false. */
  answers = true;
  readonly #counter = new FrameCounter();

  constructor(connection: NatsConnection, instance: string) {
    super(connection, 'tokenizer', instance);
    this.on(subjects.encode(instance), (data, message, packet) => {
      const request = parseEncodeRequest(data);
      this.requests.push({ request, traceparent: message.headers?.get('traceparent') });
      if (!this.answers) return;
      this.live.set(request.rid, { request, texts: new Array<string>(request.output.choices).fill('') });
      const ids = promptIds(request);
      const text = request.withText ? ids.map((id) => `<${id}>`).join('') : null;
      message.respond(replyPacket(packet, { rid: request.rid, promptIds: ids, text }));
    });
    connection.subscribe(subjects.tokens(instance), {
      callback: (_, message) => {
        for (const entry of decodeTokenFrame(message.data).entries) this.#detokenize(entry);
      },
    });
  }

  /** Sends one entry in a frame of its own. */
  sendText(gateway: string, entry: TextEntry): void {
    const frame = { sender: this.instance, seq: this.#counter.next(gateway), entries: [entry] };
    this.connection.publish(subjects.text(gateway), encodeTextFrame(frame));
  }

  /** The gateway will miss one frame. */
  loseFrame(gateway: string): void {
    this.#counter.next(gateway);
  }

  protected override aborted({ rid, attempt }: Abort): void {
    const state = this.live.get(rid);
    if (state !== undefined && state.request.attempt <= attempt) this.live.delete(rid);
  }

  #detokenize({ rid, choice, attempt, finish, index, tokens }: TokenEntry): void {
    const state = this.live.get(rid);
    if (state === undefined || attempt !== state.request.attempt) return;
    const text = tokens.map((token) => `${token} `).join('');
    const before = state.texts[choice] as string;
    const { gateway, stop } = state.request.output;
    const matched = stop.find((candidate) => (before + text).includes(candidate)) ?? null;
    const kept = matched === null ? text : (before + text).slice(before.length, (before + text).indexOf(matched));
    state.texts[choice] = before + kept;
    this.sendText(gateway, {
      rid,
      choice,
      attempt,
      index,
      tokens,
      text: kept,
      finish: matched === null ? finish : FinishReason.stop,
      matchedStop: matched,
      logprobs: null,
    });
  }
}

function promptIds({ prompt }: EncodeRequest): number[] {
  if ('ids' in prompt) return [...prompt.ids];
  const text = 'text' in prompt ? prompt.text : prompt.messages.map(({ content }) => content).join('');
  return [...text].map((character) => character.charCodeAt(0));
}
