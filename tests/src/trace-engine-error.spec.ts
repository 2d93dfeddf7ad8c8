import { validateTrace } from '@sliceway/testing';
import { TraceLevel } from '@sliceway/tracing';
import { failingForward } from './failing-forward.fixture.js';
import { failuresOf, TracedCluster } from './traced-cluster.fixture.js';

const THROWS_AT = 150;
const EXITS_AT = 300;
/** What became of the others' part of it. */
const GIVEN_UP = ['gateway: engine_error', 'tokenizer: attempt_failed'];

describe('the trace of a request whose engine fails', () => {
  let traced: TracedCluster;

  beforeAll(async () => {
    traced = await TracedCluster.start({ env: failingForward({ throwsAt: THROWS_AT, exitsAt: EXITS_AT }) });
  });
  afterAll(() => traced?.stop());

  it.each([
    ['the prompt throws', THROWS_AT, 8, 0, ['decode: attempt_failed', 'prefill: engine_error']],
    ['a step throws', 20, THROWS_AT, 1, ['decode: engine_error']],
    // The last one: it takes prefill with it.
    ['the thread ends', EXITS_AT, 8, 0, ['decode: attempt_failed', 'prefill: engine_error']],
  ])('%s: all is closed, with the code', async (_, characters, maxTokens, choicesBegun, failures) => {
    const { rid, texts, errorCode } = await traced.fixture.chat({
      content: 'x'.repeat(characters),
      max_tokens: maxTokens,
    });
    expect([texts.length, errorCode]).toEqual([choicesBegun, 'engine_error']);
    const spans = await traced.trace(rid);
    expect(validateTrace(spans, { level: TraceLevel.all })).toEqual([]);
    expect(failuresOf(spans)).toEqual([...failures, ...GIVEN_UP].sort());
  });
});
