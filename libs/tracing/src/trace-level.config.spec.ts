import { traceLevel, traceModules } from './trace-level.config.js';

type Environment = Record<string, string | undefined>;

const read = <T>(
  of: (warn: (message: string) => void, environment: Environment) => T,
  environment: Environment,
): [T, string[]] => {
  const warnings: string[] = [];
  return [of((message) => warnings.push(message), environment), warnings];
};

describe('SLICEWAY_TRACE_LEVEL', () => {
  const level = (value?: string): [number, string[]] => read(traceLevel, { SLICEWAY_TRACE_LEVEL: value });

  it.each([undefined, '', ' '])('%j is 2', (value) => expect(level(value)).toEqual([2, []]));

  it.each([0, 1, 2, 3])('%d is taken', (value) => expect(level(` ${value} `)).toEqual([value, []]));

  it.each(['4', '-1', '1.0', 'all'])('%j is a warning, and 2', (value) =>
    expect(level(value)).toEqual([2, [expect.stringContaining(`SLICEWAY_TRACE_LEVEL is ${JSON.stringify(value)}`)]]),
  );
});

describe('SLICEWAY_TRACE_MODULES', () => {
  const modules = (value?: string): [readonly string[], string[]] =>
    read(traceModules, { SLICEWAY_TRACE_MODULES: value });

  it.each([undefined, '', ' '])('%j is all of them', (value) =>
    expect(modules(value)).toEqual([['request', 'messaging', 'engine'], []]),
  );

  it('those that are listed', () => expect(modules(' request,engine ')).toEqual([['request', 'engine'], []]));

  it.each(['messages', 'request,', 'Request'])('%j is a warning, and all of them', (value) =>
    expect(modules(value)).toEqual([
      ['request', 'messaging', 'engine'],
      [expect.stringContaining(`SLICEWAY_TRACE_MODULES is ${JSON.stringify(value)}`)],
    ]),
  );
});
