import { SAMPLE_RID, sampleTrace } from './sample-trace.fixture.js';
import { ridsOf, tracesOf } from './traces-of.js';

const mine = sampleTrace({ retry: true });
const other = sampleTrace({ duration: () => 1n }).map((span) => ({
  ...span,
  traceId: span.name === 'batch_step' ? '9'.repeat(32) : '8'.repeat(32),
  startNs: span.startNs - 10n,
  links: [],
  attributes:
    'rid' in span.attributes ? { ...span.attributes, rid: `a1b2ffff${SAMPLE_RID.slice(8)}` } : span.attributes,
}));
const all = [...mine, ...other];

it('tracesOf finds a trace with the batch steps that it links to, and no more', () => {
  expect(tracesOf(all, SAMPLE_RID)).toEqual(mine);
  expect(tracesOf(all, 'a1b2c3')).toEqual(mine);
  expect(mine.some(({ name }) => name === 'batch_step')).toBe(true);
  expect(tracesOf(all, 'a1b2ffff')).toEqual(other.filter(({ name }) => name !== 'batch_step'));
  expect(tracesOf(all, 'a1b2')).toHaveLength(all.length - other.filter(({ name }) => name === 'batch_step').length);
  expect(tracesOf(all, 'b')).toEqual([]);
});

it('ridsOf lists requests in the order of their start', () => {
  expect(ridsOf(all)).toEqual([`a1b2ffff${SAMPLE_RID.slice(8)}`, SAMPLE_RID]);
  expect(ridsOf([])).toEqual([]);
});
