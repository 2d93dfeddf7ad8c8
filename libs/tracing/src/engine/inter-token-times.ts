/** A list that reaches this is halved: a slice that decodes for an hour stays as small as any. */
const MAX_TIMES = 512;

/**
 * When tokens left: fewer than 512 intervals in whole µs. When there would be more, neighbours are added up and each stands
 * for twice as many tokens, so that no time is lost: together they are always the time from the start to the last token.
 */
export class InterTokenTimes {
  readonly #times: number[] = [];
  #stride = 1;
  /** Tokens since the last time in the list. */
  #pending = 0;
  #listedUs = 0;
  #lastTs: number;

  constructor(private readonly startTs: number) {
    this.#lastTs = startTs;
  }

  /** Tokens that one time stands for; the last one may stand for fewer. */
  get stride(): number {
    return this.#stride;
  }

  add(ts: number): void {
    this.#lastTs = ts;
    if (++this.#pending < this.#stride) return;
    this.#list();
    if (this.#times.length === MAX_TIMES) this.#halve();
  }

  /** In µs. Called once, at the end. */
  end(): readonly number[] {
    if (this.#pending > 0) this.#list();
    return this.#times;
  }

  #list(): void {
    // Rounded as a point in time: the sum does not drift.
    const us = Math.round((this.#lastTs - this.startTs) / 1000);
    this.#times.push(us - this.#listedUs);
    this.#listedUs = us;
    this.#pending = 0;
  }

  #halve(): void {
    const half = MAX_TIMES / 2;
    for (let i = 0; i < half; i++) this.#times[i] = this.#times[2 * i]! + this.#times[2 * i + 1]!;
    this.#times.length = half;
    this.#stride *= 2;
  }
}
