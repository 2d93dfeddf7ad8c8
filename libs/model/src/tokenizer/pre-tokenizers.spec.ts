import { findPreTokenizer, PRE_TOKENIZER_NAMES } from './pre-tokenizers.js';

const pieces = (name: string, text: string) => text.match(findPreTokenizer(name)!.pattern) ?? [];

describe('pre-tokenizers', () => {
  test.each([
    ['gpt-2', "I'll pay  1234€\n\n ok  ", ['I', "'ll", ' pay', ' ', ' 1234', '€', '\n\n', ' ok', '  ']],
    ['smollm', "I'll pay  1234€\n\n ok  ", ['I', "'ll", ' pay', '  ', '1', '2', '3', '4', '€', '\n\n', ' ok', '  ']],
    ['llama-bpe', "I'LL pay  1234€\n\n ok  ", ['I', "'LL", ' pay', ' ', ' ', '123', '4', '€\n\n', ' ok', '  ']],
    ['qwen2', "I'LL pay  1234€\n\n ok  ", ['I', "'LL", ' pay', ' ', ' ', '1', '2', '3', '4', '€\n\n', ' ok', '  ']],
    ['gpt-2', "I'LL", ['I', "'", 'LL']],
    [
      'gpt-2',
      "'sx'tx'rex'vex'mx'llx'dx",
      ["'s", 'x', "'t", 'x', "'re", 'x', "'ve", 'x', "'m", 'x', "'ll", 'x', "'d", 'x'],
    ],
    [
      'qwen2',
      "'SX'tX'ReX'vEX'MX'lLX'DX",
      ["'S", 'X', "'t", 'X', "'Re", 'X', "'vE", 'X', "'M", 'X', "'lL", 'X', "'D", 'X'],
    ],
    ['qwen2', "'\u017fx", ["'\u017fx"]],
    ['llama-bpe', '(x)\r\n \n  y', ['(x', ')\r\n', ' \n', ' ', ' y']],
  ])('%s cuts %j', (name, text, expected) => {
    expect(pieces(name, text)).toEqual(expected);
  });

  test('whitespace is White_Space of Unicode, not that of JavaScript', () => {
    expect(pieces('gpt-2', 'a\u0085b\ufeffc')).toEqual(['a', '\u0085', 'b', '\ufeff', 'c']);
    expect(pieces('gpt-2', ' \ufeff')).toEqual([' \ufeff']);
    expect(pieces('gpt-2', '\u0085\u0085x')).toEqual(['\u0085', '\u0085', 'x']);
  });

  test.each(PRE_TOKENIZER_NAMES)('%s covers any text', (name) => {
    let text = '';
    for (let code = 0; code < 0x110000; code += code < 0x3400 ? 1 : 61) text += `${String.fromCodePoint(code)} a1\n`;
    expect(pieces(name, text).join('')).toBe(text);
  });

  test.each([
    ['deepseek-r1-qwen', 'qwen2'],
    ['llama3', 'llama-bpe'],
    ['llama-v3', 'llama-bpe'],
    ['falcon3', 'llama-bpe'],
    ['phi-2', 'gpt-2'],
  ])('%s is %s', (alias, name) => {
    expect(findPreTokenizer(alias)).toBe(findPreTokenizer(name));
    expect(findPreTokenizer(alias)).toBeDefined();
  });

  test('names that objects have by nature are no pre-tokenizers', () => {
    expect(findPreTokenizer('constructor')).toBeUndefined();
  });
});
