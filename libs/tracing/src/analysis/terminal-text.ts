/** Select Graphic Rendition codes. */
export const Ink = {
  bold: 1,
  dim: 2,
  red: 31,
  green: 32,
  yellow: 33,
  magenta: 35,
  cyan: 36,
} as const;
export type Ink = (typeof Ink)[keyof typeof Ink];

/** Colours text, or leaves it as it is. */
export type Paint = (text: string, ...inks: readonly (Ink | null)[]) => string;

export function paintWith(color: boolean): Paint {
  return (text, ...inks) => {
    const codes = inks.filter((ink) => ink !== null);
    return color && codes.length > 0 && text !== '' ? `\u001b[${codes.join(';')}m${text}\u001b[0m` : text;
  };
}

const ROLE_INK: Readonly<Record<string, Ink>> = {
  gateway: Ink.cyan,
  tokenizer: Ink.magenta,
  prefill: Ink.yellow,
  decode: Ink.green,
};

export function inkOfRole(role: string | null): Ink | null {
  return role !== null && Object.hasOwn(ROLE_INK, role) ? ROLE_INK[role]! : null;
}

/** Cuts text to so many columns. */
export function fit(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

/** What a name may hold is not ours alone: nothing in it moves the cursor. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '·');
}

/** Three digits that count, with the unit: `1.23 ms`. */
export function timeText(ns: bigint): string {
  const value = Number(ns);
  if (value < 0) return `-${timeText(-ns)}`;
  if (value < 1000) return `${value} ns`;
  for (const [unit, size] of UNITS) if (value < size * 999.5) return `${digits(value / size)} ${unit}`;
  return `${digits(value / 1e9)} s`;
}

const UNITS = [
  ['µs', 1e3],
  ['ms', 1e6],
] as const;

function digits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

export function percentText(part: bigint, whole: bigint): string {
  return whole === 0n ? '' : `${((Number(part) / Number(whole)) * 100).toFixed(1)} %`;
}

/** Breaks notes into lines at their borders. */
export function wrap(notes: readonly string[], columns: number, gap = '  '): string[] {
  const lines: string[] = [];
  for (const note of notes) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + gap.length + note.length <= columns)
      lines[lines.length - 1] = last + gap + note;
    else lines.push(fit(note, columns));
  }
  return lines;
}
