import { UsageError } from '../cli/cli-options.js';
import { parseTraceCommand } from './demo-options.js';

const cluster = { counts: { tokenizer: 1, prefill: 1, decode: 1, gateway: 1 }, host: '127.0.0.1', port: 8000 };
const demo = { cluster, prompt: 'What is the capital of France?', maxTokens: 24, level: 3, isOnce: false };

describe('parseTraceCommand', () => {
  test.each([
    [[], {}, { kind: 'demo', options: demo }],
    [
      [],
      { SLICEWAY_TRACE_LEVEL: '1', PORT: '9' },
      { kind: 'demo', options: { ...demo, level: 1, cluster: { ...cluster, port: 9 } } },
    ],
    [
      ['--once', '--level', '2', '--prompt=x', '--max-tokens', '1'],
      {},
      { kind: 'demo', options: { ...demo, isOnce: true, level: 2, prompt: 'x', maxTokens: 1 } },
    ],
    [
      ['--port', '0', '--decode', '2'],
      {},
      {
        kind: 'demo',
        options: { ...demo, cluster: { ...cluster, port: 0, counts: { ...cluster.counts, decode: 2 } } },
      },
    ],
    [['a.jsonl'], {}, { kind: 'print', path: 'a.jsonl', rid: undefined }],
    [['logs/traces', '5a1f'], {}, { kind: 'print', path: 'logs/traces', rid: '5a1f' }],
    [['a.jsonl', '--help'], {}, null],
    [['-h'], {}, null],
  ])('%j with %j', (argv, env, expected) => expect(parseTraceCommand(argv, env)).toEqual(expected));

  test.each([
    [['--level', '0'], /--level is 0/],
    [['--level', '4'], /from 1 to 3/],
    [['--max-tokens', '0'], /--max-tokens is 0/],
    [['--max-tokens', '4097'], /from 1 to 4096/],
    [['a.jsonl', '5a1f', 'more'], /more is too much/],
    [['a.jsonl', '--once'], /--once is for a request that is sent/],
    [[''], /empty/],
    [['--what'], /--what/],
  ])('%j is refused', (argv, reason) => {
    expect(() => parseTraceCommand(argv, {})).toThrow(UsageError);
    expect(() => parseTraceCommand(argv, {})).toThrow(reason);
  });
});
