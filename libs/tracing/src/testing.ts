/** What tests of instrumented code need: to record in this thread, and to read what was recorded. */
export { control, named, recordAll, recorded, recordInEach } from './recording/recording.fixture.js';
export { threadsOf, type ThreadVisit } from './recording/threads.fixture.js';
export { OUTER_PARENT, SAMPLE_RID, type SampleOptions, sampleTrace } from './analysis/sample-trace.fixture.js';
