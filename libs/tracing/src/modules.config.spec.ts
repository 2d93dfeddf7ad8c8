import { traceModules } from './modules.config.js';

const read = (value?: string): [readonly string[], string[]] => {
  const warnings: string[] = [];
  return [traceModules((message) => warnings.push(message), { SLICEWAY_TRACE_MODULES: value }), warnings];
};

it.each([undefined, '', ' '])('%j is all of them', (value) =>
  expect(read(value)).toEqual([['request', 'messaging', 'engine'], []]),
);

it('those that are listed', () => expect(read(' request,engine ')).toEqual([['request', 'engine'], []]));

it.each(['messages', 'request,', 'Request'])('%j is a warning, and all of them', (value) =>
  expect(read(value)).toEqual([
    ['request', 'messaging', 'engine'],
    [expect.stringContaining(`SLICEWAY_TRACE_MODULES is ${JSON.stringify(value)}`)],
  ]),
);
