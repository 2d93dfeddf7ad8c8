import { BearerTokens } from './bearer-tokens.js';

const tokens = new BearerTokens(['first', 'second', 'open sesame']);

it.each(['Bearer first', 'Bearer second', 'bearer first', 'Bearer   first ', 'Bearer open sesame'])(
  'takes "%s"',
  (authorization) => {
    expect(tokens.accepts(authorization)).toBe(true);
  },
);

it.each([
  undefined,
  '',
  'first',
  'Bearer',
  'Bearer ',
  'Bearer firs',
  'Bearer firstx',
  'Bearer First',
  'Bearer first second',
  'Basic first',
  'Bearer undefined',
])('refuses %j', (authorization) => {
  expect(tokens.accepts(authorization)).toBe(false);
});

it('takes nothing where there are none, and not even nothing where nothing is a token', () => {
  expect(new BearerTokens([]).accepts('Bearer ')).toBe(false);
  expect(new BearerTokens(['']).accepts('Bearer ')).toBe(false);
});

it('reads a header of spaces in no time', () => {
  const header = `Bearer${' '.repeat(100_000)}\u00a0`;
  const startMs = performance.now();
  expect(tokens.accepts(header)).toBe(false);
  expect(performance.now() - startMs).toBeLessThan(500);
});
