import { EventName, SliceName } from '../names.js';
import type { PlacedSlice } from './request-view.js';
import { roleOfSlice, TraceRole } from './slice-place.js';

/** A slice, or the part of it, that may be what the gateway waited for. */
export interface Explainer {
  readonly slice: PlacedSlice;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Of several at one instant the lowest is it. */
  readonly rank: number;
}

/**
 * Whose work the gateway waits for in a slice, nearest to its answer first. `quick_finish` is nowhere: the only token came from
 * prefill.
 */
const CHAINS: Readonly<Record<string, readonly SliceName[]>> = {
  [SliceName.tokenizeWait]: [SliceName.apiServerDispatch, SliceName.tokenize],
  [SliceName.firstTokenWait]: [
    SliceName.detokenize,
    SliceName.prefillForward,
    SliceName.prefillWaiting,
    SliceName.prefillPrepare,
    SliceName.decodePrepare,
  ],
  [SliceName.stream]: [
    SliceName.detokenize,
    SliceName.decodeForward,
    SliceName.decodeWaiting,
    SliceName.prefillTransferKvCache,
    SliceName.prefillForward,
    SliceName.prefillWaiting,
    SliceName.prefillPrepare,
    SliceName.decodePrepare,
  ],
};
/** Slices with names of the user's own come last, and what is seldom the cause. */
const OWN_RANK = 100;
/** Decode has the KV when one of these begins. */
const HAS_KV: ReadonlySet<string> = new Set([SliceName.decodeWaiting, SliceName.decodeForward, SliceName.quickFinish]);

/** The gateway does nothing of its own in these, but for the end of `stream`. */
export function isExplained(name: string): boolean {
  return Object.hasOwn(CHAINS, name);
}

/** What the gateway may have waited for in `wait`, of the slices of all services. */
export function explainersOf(wait: PlacedSlice, slices: readonly PlacedSlice[]): Explainer[] {
  const chain = CHAINS[wait.name]!;
  const ofAttempt = slices.filter((slice) => slice.role !== TraceRole.gateway && isOfAttempt(slice, wait));
  const detokenize = criticalDetokenize(wait, ofAttempt);
  const choice = detokenize?.choice ?? null;
  const lastTokenNs =
    (wait.name === SliceName.stream && detokenize && eventTime(detokenize, EventName.lastToken)) || null;
  const hasKvNs = firstStart(ofAttempt.filter(({ name }) => HAS_KV.has(name)));
  const bootstraps = ofAttempt.filter(({ name }) => name === SliceName.prefillBootstrap);
  const found: Explainer[] = [];
  const add = (slice: PlacedSlice, startNs: bigint, endNs: bigint, rank: number): void => {
    if (endNs > startNs) found.push({ slice, startNs, endNs, rank });
  };
  for (const slice of ofAttempt) {
    if (slice.choice !== null && choice !== null && slice.choice !== choice) continue;
    const place = chain.indexOf(slice.name as SliceName);
    if (place < 0 && roleOfSlice(slice.name) !== undefined) continue;
    const rank = place < 0 ? OWN_RANK : place;
    const { name, role, startNs, endNs } = slice;
    if (name === SliceName.detokenize) {
      // Between its first text and its last token the tokenizer waits for decode.
      const firstTextNs = eventTime(slice, EventName.firstText) ?? startNs;
      if (wait.name === SliceName.stream) add(slice, eventTime(slice, EventName.lastToken) ?? endNs, endNs, rank);
      // Of one choice of several, the first text may come when another one's has ended the wait for it.
      add(slice, startNs, firstTextNs, wait.name === SliceName.stream ? OWN_RANK : rank);
    } else if (name === SliceName.decodePrepare && bootstraps.length > 0) {
      // Decode holds the first token up only where prefill waits for its pages.
      for (const boot of bootstraps) add(slice, max(startNs, boot.startNs), min(endNs, boot.endNs), rank);
    } else {
      // The last acknowledgement comes when decode is at work already, or when all tokens are gone.
      const isPast = wait.name === SliceName.stream && role === TraceRole.prefill && hasKvNs !== null;
      const untilNs = isPast ? min(endNs, hasKvNs) : endNs;
      add(slice, startNs, lastTokenNs === null ? untilNs : min(untilNs, lastTokenNs), rank);
    }
  }
  return found;
}

/** A request keeps its tokenizer over all attempts. What hangs on nothing any more may be of this one. */
function isOfAttempt({ role, attempt }: PlacedSlice, wait: PlacedSlice): boolean {
  return role === TraceRole.tokenizer || attempt === null || wait.attempt === null || attempt === wait.attempt;
}

/** Of `n` choices: the one whose first text ended the wait for the first token, or whose end was the last. */
function criticalDetokenize(wait: PlacedSlice, slices: readonly PlacedSlice[]): PlacedSlice | undefined {
  const isStream = wait.name === SliceName.stream;
  let best: { slice: PlacedSlice; timeNs: bigint } | undefined;
  for (const slice of slices) {
    if (slice.name !== SliceName.detokenize) continue;
    const timeNs = isStream ? slice.endNs : eventTime(slice, EventName.firstText);
    if (timeNs === undefined || timeNs < wait.startNs) continue;
    if (!best || (isStream ? timeNs > best.timeNs : timeNs < best.timeNs)) best = { slice, timeNs };
  }
  return best?.slice;
}

export function eventTime({ span }: PlacedSlice, name: string): bigint | undefined {
  return span?.events.find((event) => event.name === name)?.timeNs;
}

function firstStart(slices: readonly PlacedSlice[]): bigint | null {
  return slices.reduce<bigint | null>((first, { startNs }) => (first === null ? startNs : min(first, startNs)), null);
}

export function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

export function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
