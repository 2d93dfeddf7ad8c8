import type { PagePool } from '../kv/page-pool.js';
import type { ScheduledBatch } from './batch-builder.js';
import type { Roster } from './roster.js';
import type { SchedulerLimits } from './scheduler-limits.js';
import type { Sequence } from './sequence.js';

export function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const isSorted = (sequences: readonly Sequence[]): boolean =>
  sequences.every((b, i) => {
    const a = sequences[i - 1];
    return !a || a.arrival < b.arrival || (a.arrival === b.arrival && a.choice < b.choice);
  });

const pagesFor = (tokens: number, { pageTokens }: SchedulerLimits): number => Math.ceil(tokens / pageTokens);

/** What holds between any two calls. @param computing sequences of the batch under way */
export function checkState(
  roster: Roster,
  pool: PagePool,
  limits: SchedulerLimits,
  computing: readonly Sequence[],
): void {
  const { running } = roster;
  const queued = roster.queue.map(({ sequence }) => sequence);
  const held = roster.ids.flatMap((id) => roster.held(id) ?? []);
  const live = roster.ids.flatMap((id) => roster.of(id));
  const placed = [...running, ...queued, ...held];
  check(
    placed.length === live.length && new Set(placed).size === live.length,
    'a sequence is in two places or in none',
  );
  check(
    live.every((sequence) => placed.includes(sequence) && !sequence.dropped),
    'a live sequence is nowhere',
  );
  check(new Set(live.map(({ uid }) => uid)).size === live.length, 'two sequences have one number');
  check(isSorted(running) && isSorted(queued), 'a list is not by age');

  const arriving = held.filter(({ request }) => request.kind === 'decode');
  const places = [...running, ...arriving].reduce((sum, { forks }) => sum + forks, 0);
  check(places <= limits.maxRunning, `${places} places are taken`);

  check(
    queued.every(({ pages, computed }) => pages.length === 0 && computed === 0),
    'a queued sequence holds KV',
  );
  for (const { pages, tokens, computed } of [...running, ...held]) {
    check(computed <= tokens.length && pages.length <= pagesFor(tokens.length, limits), 'more pages than tokens');
    check(pages.length >= pagesFor(Math.max(computed, tokens.length - 1), limits), 'a token has no page');
  }
  const oldest = roster.queue[0];
  const needed = pagesFor(queued[0]?.tokens.length ?? 0, limits) + running.length;
  const fits = places + (queued[0]?.forks ?? 0) <= limits.maxRunning && needed <= pool.free;
  check(!oldest?.granted || !fits, 'the oldest reservation fits, and is not granted');
  checkPages([...live, ...computing.filter(({ dropped }) => dropped)], pool, limits);
}

/** Each reference has its holder, and only full pages that all holders computed have several. */
function checkPages(holders: readonly Sequence[], pool: PagePool, { pageTokens }: SchedulerLimits): void {
  const tables = new Map<number, { sequence: Sequence; at: number }[]>();
  for (const sequence of holders) {
    sequence.pages.forEach((page, at) => tables.set(page, [...(tables.get(page) ?? []), { sequence, at }]));
  }
  check(pool.used === tables.size, `${pool.used} pages are used, ${tables.size} are held`);
  for (const [page, places] of tables) {
    const references = pool.references(page);
    check(references === places.length, `page ${page} has ${references} references and ${places.length} holders`);
    if (references === 1) continue;
    for (const { sequence, at } of places) {
      check(
        at === places[0]!.at && sequence.request === places[0]!.sequence.request,
        `page ${page} is shared by strangers`,
      );
      check((at + 1) * pageTokens <= sequence.request.promptIds.length, `page ${page} is shared beyond the prompt`);
      check((at + 1) * pageTokens <= sequence.computed, `page ${page} is shared and will be written`);
    }
  }
}

/** What holds for each batch, before it is computed. */
export function checkBatch(
  { forward, sequences, retracted }: ScheduledBatch,
  roster: Roster,
  limits: SchedulerLimits,
): void {
  const { runs, tokenIds, outputs } = forward;
  check(tokenIds.length > 0 && tokenIds.length <= limits.batchTokens, `${tokenIds.length} tokens`);
  check(runs.length === sequences.length && runs.length <= limits.maxRunning, `${runs.length} runs`);
  check(new Set(sequences).size === runs.length, 'a sequence has two runs');
  check(
    sequences.every((sequence) => roster.running.includes(sequence)),
    'a run is of a sequence that does not run',
  );
  check(
    retracted.every(({ request }) => request.kind !== 'prefill'),
    'a prefill is retracted',
  );
  let row = 0;
  const rows: number[] = [];
  runs.forEach((run, i) => {
    const sequence = sequences[i]!;
    check(run.sequence === sequence.uid && run.firstRow === row && run.tokens > 0, `run ${i} is not in its place`);
    check(run.position === sequence.computed, `run ${i} does not go on where its KV ends`);
    check(run.pages.length === pagesFor(run.position + run.tokens, limits), `run ${i} has ${run.pages.length} pages`);
    check(
      run.pages.every((page, at) => page === sequence.pages[at]),
      `run ${i} has pages of others`,
    );
    row += run.tokens;
    if (run.position + run.tokens === sequence.tokens.length) {
      for (let fork = 0; fork < sequence.forks; fork++) rows.push(row - 1);
    }
  });
  check(row === tokenIds.length, `${row} rows for ${tokenIds.length} tokens`);
  check(
    outputs.length === rows.length && outputs.every((output, i) => output.row === rows[i]),
    'outputs of other rows',
  );
  const decoding = roster.running.filter(({ remaining }) => remaining === 1).slice(0, limits.batchTokens);
  check(
    decoding.every((sequence) => sequences.includes(sequence)),
    'a decoding sequence is left out',
  );
}
