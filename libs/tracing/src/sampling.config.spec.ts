import { readSampling, type Sampling } from './sampling.config.js';

function read(sampler?: string, arg?: string): [Sampling, string[]] {
  const warnings: string[] = [];
  const environment = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: arg };
  return [readSampling((message) => warnings.push(message), environment), warnings];
}

it.each([
  [undefined, 1, false],
  [' ', 1, false],
  ['parentbased_always_on', 1, false],
  ['parentbased_always_off', 0, false],
  [' parentbased_traceidratio ', 0.25, false],
  ['always_on', 1, true],
  ['always_off', 0, true],
  ['traceidratio', 0.25, true],
])('%j', (sampler, ratio, ignoresParent) => expect(read(sampler, '0.25')).toEqual([{ ratio, ignoresParent }, []]));

it.each(['Always_on', 'parentbased_jaeger_remote', 'xray', 'ratio'])(
  '%j is a warning, and parentbased_always_on',
  (sampler) =>
    expect(read(sampler, '0.25')).toEqual([
      { ratio: 1, ignoresParent: false },
      [expect.stringContaining(`OTEL_TRACES_SAMPLER is ${JSON.stringify(sampler)}`)],
    ]),
);

it.each([
  [undefined, 1],
  ['', 1],
  ['0', 0],
  [' 1e-9 ', 1e-9],
  ['1', 1],
])('share %j', (arg, ratio) => expect(read('traceidratio', arg)).toEqual([{ ratio, ignoresParent: true }, []]));

it.each(['-1e-9', '1.000001', 'NaN', '10%', '0,5'])('share %j is a warning, and all of them', (arg) =>
  expect(read('parentbased_traceidratio', arg)).toEqual([
    { ratio: 1, ignoresParent: false },
    [expect.stringContaining(`OTEL_TRACES_SAMPLER_ARG is ${JSON.stringify(arg)}`)],
  ]),
);

it('a share that the sampler does not ask for is not looked at', () =>
  expect(read('always_on', 'half')).toEqual([{ ratio: 1, ignoresParent: true }, []]));
