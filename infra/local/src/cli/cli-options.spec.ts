import { parseCliOptions, UsageError } from './cli-options.js';

const defaults = { counts: { tokenizer: 1, prefill: 1, decode: 1, gateway: 1 }, host: '127.0.0.1', port: 8000 };

describe('parseCliOptions', () => {
  test.each([
    [[], {}, defaults],
    [[], { PORT: '9000', HOST: '0.0.0.0' }, { ...defaults, host: '0.0.0.0', port: 9000 }],
    [[], { PORT: '', HOST: '' }, defaults],
    [['--port', '0', '--host=::1'], { PORT: '9000', HOST: 'x' }, { ...defaults, host: '::1', port: 0 }],
    [['--prefill', '2', '--decode=32'], {}, { ...defaults, counts: { ...defaults.counts, prefill: 2, decode: 32 } }],
    [['-h'], {}, null],
    [['--help', '--port', '1'], {}, null],
  ])('%j with %j', (argv, env, expected) => expect(parseCliOptions(argv, env)).toEqual(expected));

  test.each([
    [['--decode', '0'], /--decode is 0/],
    [['--decode', '33'], /from 1 to 32/],
    [['--decode', '1.5'], /whole number/],
    [['--port', '65536'], /from 0 to 65535/],
    [['--port', ''], /--port is/],
    [['--what'], /--what/],
    [['start'], /start/],
    [['--port'], /--port/],
  ])('%j is refused', (argv, reason) => {
    expect(() => parseCliOptions(argv, {})).toThrow(UsageError);
    expect(() => parseCliOptions(argv, {})).toThrow(reason);
  });
});
