import { TextOutput } from './text-output.js';

const bytes = { tokenBytes: (id: number) => Uint8Array.of(id) };

function run(text: string, stop: string[]): { text: string; matched: string | undefined; pieces: string[] } {
  const output = new TextOutput(bytes, stop);
  const pieces: string[] = [];
  for (const id of Buffer.from(text)) {
    const result = output.push(id);
    pieces.push(result.text);
    if (result.matched !== undefined) return { text: pieces.join(''), matched: result.matched, pieces };
  }
  const tail = output.end();
  return { text: pieces.join('') + tail.text, matched: tail.matched, pieces };
}

describe('TextOutput', () => {
  it('gives whole characters only, and all of them', () => {
    expect(run('añ€😀', []).pieces).toEqual(['a', '', 'ñ', '', '', '€', '', '', '', '😀']);
  });

  it('ends before a stop string, wherever its bytes fall', () => {
    expect(run('abc€nd', ['c€'])).toMatchObject({ text: 'ab', matched: 'c€' });
  });

  it('gives what it held back when the last token ends no stop string', () => {
    expect(run('tell EN', ['END'])).toMatchObject({ text: 'tell EN', matched: undefined });
  });

  it('ends a text inside a character with U+FFFD', () => {
    const output = new TextOutput(bytes, []);
    expect(output.push(0xe2)).toEqual({ text: '', matched: undefined });
    expect(output.end()).toEqual({ text: '\ufffd', matched: undefined });
  });
});
