import { SpanStatus } from '@sliceway/tracing';
import { itRefuses, on } from './broken-trace.fixture.js';
import { TraceRule } from './trace-fault.js';

itRefuses([
  [
    'an error without a reason',
    TraceRule.status,
    /without a reason/,
    on('stream', (span) => (span.status = { code: SpanStatus.error, message: '' })),
  ],
  [
    'a reason without an error',
    TraceRule.status,
    /did not fail/,
    on('stream', (span) => (span.status = { code: SpanStatus.unset, message: 'timeout' })),
  ],
  [
    'an abort that its thread does not know',
    TraceRule.status,
    /no thread of it failed/,
    on(/^gateway \(/, (span) => {
      span.status = { code: SpanStatus.unset, message: '' };
    }),
    { aborted: true },
  ],
  [
    'an abort that its room does not know',
    TraceRule.status,
    /room did not fail/,
    on(/^Bootstrap/, (span) => {
      span.status = { code: SpanStatus.unset, message: '' };
    }),
    { aborted: true },
  ],
]);
