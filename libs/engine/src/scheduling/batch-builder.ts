import type { EndRules } from './end-rules.js';
import type { ForwardBatch, OutputRow, TokenRun } from './forward-batch.js';
import type { PageTables } from './page-tables.js';
import { SequenceKind, type Sequence } from './sequence.js';

/** A batch and whose runs it holds, in the same order. */
export interface ScheduledBatch {
  readonly forward: ForwardBatch;
  readonly sequences: readonly Sequence[];
  /** Sequences that went back to the queue since the batch before. */
  readonly retracted: readonly Sequence[];
}

/** Fills one forward, run by run, up to a number of tokens. */
export class BatchBuilder {
  readonly sequences: Sequence[] = [];
  readonly #tokenIds: Int32Array;
  readonly #runs: TokenRun[] = [];
  readonly #outputs: OutputRow[] = [];
  #rows = 0;

  constructor(
    batchTokens: number,
    private readonly pages: PageTables,
    private readonly rules: EndRules,
  ) {
    this.#tokenIds = new Int32Array(batchTokens);
  }

  get isFull(): boolean {
    return this.#rows === this.#tokenIds.length;
  }

  /** Appends as many of the sequence's remaining tokens as fit. */
  take(sequence: Sequence): void {
    if (this.isFull) return;
    const { computed: position, remaining } = sequence;
    const tokens = Math.min(remaining, this.#tokenIds.length - this.#rows);
    for (let t = 0; t < tokens; t++) this.#tokenIds[this.#rows + t] = sequence.tokens[position + t]!;
    const pages = this.pages.table(sequence, position + tokens);
    this.#runs.push({ sequence: sequence.uid, firstRow: this.#rows, tokens, position, pages });
    this.sequences.push(sequence);
    this.#rows += tokens;
    if (tokens === remaining) this.#outputs.push(...sequence.outputs(this.#rows - 1, this.rules.banned(sequence)));
  }

  build(bid: number): ForwardBatch {
    return {
      bid,
      tokenIds: this.#tokenIds.slice(0, this.#rows),
      runs: this.#runs,
      outputs: this.#outputs,
      reportLayers: this.sequences.some(({ request }) => request.kind === SequenceKind.PREFILL),
    };
  }
}
