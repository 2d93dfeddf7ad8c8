/** What has come of one choice: all that another attempt would need to go on. */
export class ChoiceProgress {
  readonly tokenIds: number[] = [];
  finished = false;

  append(tokens: readonly number[]): void {
    for (let i = 0; i < tokens.length; i++) this.tokenIds.push(tokens[i]!);
  }
}
