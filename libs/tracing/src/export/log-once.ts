const AGAIN_MS = 60_000;
const MAX_PLACES = 64;

/** Says each kind of error once a minute at most: a dead collector fails all day. */
export class LogOnce {
  readonly #silentUntilMs = new Map<string, number>();

  constructor(private readonly write: (message: string) => void) {}

  error(place: string, error: unknown): void {
    if (this.#isNew(place)) this.write(`${place}: ${describe(error)}`);
  }

  warn(message: string): void {
    if (this.#isNew(message)) this.write(message);
  }

  #isNew(place: string): boolean {
    const nowMs = performance.now();
    if (nowMs < (this.#silentUntilMs.get(place) ?? 0) || this.#silentUntilMs.size > MAX_PLACES) return false;
    this.#silentUntilMs.set(place, nowMs + AGAIN_MS);
    return true;
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node's connection errors have no message when several addresses were tried.
  const { code } = error as NodeJS.ErrnoException;
  return error.message || String(code ?? error.name);
}
