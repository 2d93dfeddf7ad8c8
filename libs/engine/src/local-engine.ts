import {
  TextOutput,
  openModel,
  type ChatMessage,
  type ChatTemplate,
  type StopResult,
  type Tokenizer,
} from '@sliceway/model';
import { EngineError } from './errors.js';
import { EventStream } from './event-stream.js';
import type { GenerateObserver } from './observer.js';
import type { TokenLogprobs } from './sampling/sampling.js';
import { GREEDY, type SamplingParams } from './sampling/sampling-params.js';
import { SequenceKind, type FinishReason, type TokenEvent } from './scheduling/sequence.js';
import type { EngineOptions } from './engine-options.js';
import { startEngine } from './start-engine.js';
import type { EngineWorker, StepOutput } from './worker/engine-worker.js';

/** A text to continue, token ids to continue, or a conversation to answer. */
export type Prompt = string | { readonly ids: readonly number[] } | { readonly messages: readonly ChatMessage[] };

export interface GenerateParams extends Partial<SamplingParams> {
  /** Strings that end a choice; they are not part of its text. */
  readonly stop?: readonly string[];
  /** Continuations of the prompt. Default 1. */
  readonly choices?: number;
  readonly observer?: GenerateObserver;
}

export interface GenerateChunk {
  readonly choice: number;
  readonly text: string;
  readonly tokenId: number;
  /** Where `logprobs` were asked for. */
  readonly logprobs?: TokenLogprobs;
  readonly finishReason: FinishReason | null;
}

interface OpenRequest {
  readonly events: EventStream<TokenEvent>;
  readonly observer: GenerateObserver | undefined;
  open: number;
}

/** Prefill and decode in one process, with the parts that the cluster has apart. */
export class LocalEngine {
  readonly #requests = new Map<string, OpenRequest>();
  #nextId = 0;

  private constructor(
    readonly engine: EngineWorker,
    readonly tokenizer: Tokenizer,
    private readonly template: ChatTemplate,
  ) {
    engine.listener = {
      onStep: (output) => this.#deliver(output),
      onKvReady: () => {},
      onFailure: (id, error) => this.#close(id, error),
      onDeath: () => {},
    };
  }

  /** @throws what {@link startEngine} throws */
  static async start(options: EngineOptions): Promise<LocalEngine> {
    const file = openModel(options.modelPath);
    let tokenizer: Tokenizer;
    let template: ChatTemplate;
    try {
      tokenizer = file.loadTokenizer();
      template = file.loadChatTemplate();
    } finally {
      file.close();
    }
    return new LocalEngine(await startEngine(options), tokenizer, template);
  }

  /** Prompt ids as the cluster's tokenizer makes them. */
  encode(prompt: Prompt): readonly number[] {
    if (typeof prompt === 'string') return this.tokenizer.encode(prompt, { addSpecial: true });
    if ('ids' in prompt) return prompt.ids;
    return this.tokenizer.encode(this.template.render(prompt.messages, { addGenerationPrompt: true }), {
      addSpecial: false,
    });
  }

  /**
   * Streams the continuation's tokens. Leaving the loop aborts the request.
   * @throws EngineError when the request is refused or fails
   */
  generateTokens(prompt: Prompt, params: GenerateParams = {}): AsyncIterableIterator<TokenEvent> {
    const id = `local-${this.#nextId++}`;
    const { stop: _, choices = 1, observer, ...sampling } = params;
    const events = new EventStream<TokenEvent>(() => {
      this.engine.abort(id);
      this.#close(id);
    });
    observer?.onStart();
    let promptIds: readonly number[];
    try {
      promptIds = this.encode(prompt);
      this.engine.submit({
        id,
        kind: SequenceKind.GENERATE,
        promptIds,
        firstChoice: 0,
        choices,
        sampling: { ...GREEDY, ...sampling },
      });
    } catch (error) {
      observer?.onEnd(error as Error);
      throw error;
    }
    this.#requests.set(id, { events, observer, open: choices });
    observer?.onQueued(id, promptIds.length, this.engine.aheadOf(id));
    return events;
  }

  /**
   * Streams the continuation's text, a chunk a token; a chunk's text is empty while a character or a possible stop
   * string is incomplete. Leaving the loop aborts the request.
   * @throws EngineError when the request is refused or fails
   */
  async *generate(prompt: Prompt, params: GenerateParams = {}): AsyncGenerator<GenerateChunk, void, undefined> {
    const outputs = Array.from(
      { length: params.choices ?? 1 },
      () => new TextOutput(this.tokenizer, params.stop ?? []),
    );
    const open = new Set(outputs.keys());
    for await (const { choice, token, finish, logprobs } of this.generateTokens(prompt, params)) {
      if (!open.has(choice)) continue;
      const { text, matched } = takeToken(outputs[choice]!, token, finish);
      const finishReason = matched === undefined ? finish : 'stop';
      if (finishReason) open.delete(choice);
      yield { choice, text, tokenId: token, finishReason, ...(logprobs ? { logprobs } : {}) };
      if (open.size === 0) return;
    }
  }

  async close(): Promise<void> {
    for (const id of [...this.#requests.keys()]) this.#close(id, new EngineError('aborted', 'the engine is closed'));
    await this.engine.close();
  }

  #deliver({ tokens }: StepOutput): void {
    for (const event of tokens) {
      const request = this.#requests.get(event.id);
      if (!request) continue;
      request.events.push(event);
      request.observer?.onToken(event);
      if (event.finish && --request.open === 0) this.#close(event.id);
    }
  }

  #close(id: string, error?: Error): void {
    const request = this.#requests.get(id);
    if (!request) return;
    this.#requests.delete(id);
    request.events.end(error);
    request.observer?.onEnd(error);
  }
}

/** A token that ends the choice (`stop`) gives no text itself. */
function takeToken(output: TextOutput, token: number, finish: FinishReason | null): StopResult {
  const own = finish === 'stop' ? { text: '', matched: undefined } : output.push(token);
  if (finish === null || own.matched !== undefined) return own;
  const tail = output.end();
  return { text: own.text + tail.text, matched: tail.matched };
}
