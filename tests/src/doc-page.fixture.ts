import { readFileSync } from 'node:fs';

/** A page of `docs`, by its tables. */
export class DocPage {
  readonly #text: string;

  constructor(private readonly name: string) {
    this.#text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  }

  /** @throws Error when there is no such section */
  section(heading: string): string {
    const [, body] = this.#text.split(`\n## ${heading}\n`);
    if (body === undefined) throw new Error(`docs/${this.name} has no section "${heading}"`);
    return body.split('\n## ')[0]!;
  }

  /** Cells of the section's first table, without its head. */
  tableOf(heading: string): string[][] {
    const rows = this.section(heading)
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    return rows.slice(2);
  }
}

/** What a text has in code marks. */
export function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}
