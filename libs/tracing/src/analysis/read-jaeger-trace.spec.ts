import type { TraceSpan } from '../trace-span.js';
import { readJaegerTrace } from './read-jaeger-trace.js';
import { TraceFormatError } from './trace-format-error.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

/** In the shape of Jaeger's JSON API, made by hand. */
const ANSWER = {
  data: [
    {
      traceID: TRACE,
      spans: [
        {
          traceID: TRACE,
          spanID: '5a00000000000002',
          operationName: 'prefill_transfer_kv_cache',
          references: [
            { refType: 'FOLLOWS_FROM', traceID: TRACE, spanID: '5a00000000000009' },
            { refType: 'CHILD_OF', traceID: TRACE, spanID: '5a00000000000001' },
          ],
          startTime: 1700000000000123,
          duration: 456,
          tags: [
            { key: 'otel.scope.name', type: 'string', value: 'sliceway' },
            { key: 'bytes', type: 'int64', value: 12 },
            { key: 'mb_per_s', type: 'float64', value: 1.5 },
            { key: 'inter_token_times', type: 'string', value: '[1,2]' },
            { key: 'text', type: 'string', value: '[no list' },
            { key: 'span.kind', type: 'string', value: 'internal' },
            { key: 'otel.status_code', type: 'string', value: 'ERROR' },
            { key: 'error', type: 'bool', value: true },
            { key: 'otel.status_description', type: 'string', value: 'worker_lost' },
          ],
          logs: [
            {
              timestamp: 1700000000000200,
              fields: [
                { key: 'event', type: 'string', value: 'schedule' },
                { key: 'bid', type: 'int64', value: 7 },
              ],
            },
          ],
          processID: 'p1',
          warnings: null,
        },
        {
          traceID: TRACE,
          spanID: '5a00000000000001',
          operationName: 'POST',
          references: [],
          startTime: 1700000000000000,
          duration: 1000,
          tags: [{ key: 'span.kind', type: 'string', value: 'server' }],
          logs: [],
          processID: 'p1',
          warnings: null,
        },
      ],
      processes: {
        p1: { serviceName: 'sliceway-prefill', tags: [{ key: 'service.instance.id', type: 'string', value: 'a' }] },
      },
      warnings: null,
    },
  ],
  total: 0,
  errors: null,
};

describe('readJaegerTrace', () => {
  it('reads spans with parents, links, events and statuses', () => {
    const [span, root] = readJaegerTrace(ANSWER) as [TraceSpan, TraceSpan];
    expect(span).toEqual({
      traceId: TRACE,
      spanId: '5a00000000000002',
      parentSpanId: '5a00000000000001',
      traceState: '',
      name: 'prefill_transfer_kv_cache',
      kind: 1,
      startNs: 1700000000000123000n,
      endNs: 1700000000000579000n,
      attributes: { bytes: 12, mb_per_s: 1.5, inter_token_times: [1, 2], text: '[no list' },
      events: [{ name: 'schedule', timeNs: 1700000000000200000n, attributes: { bid: 7 } }],
      links: [{ traceId: TRACE, spanId: '5a00000000000009', attributes: {} }],
      droppedEvents: 0,
      droppedLinks: 0,
      status: { code: 2, message: 'worker_lost' },
      scope: 'sliceway',
      resource: { 'service.name': 'sliceway-prefill', 'service.instance.id': 'a' },
    });
    expect(root).toMatchObject({ parentSpanId: null, kind: 2, status: { code: 0, message: '' } });
  });

  it.each([null, {}, { data: null, errors: [{ code: 404, msg: 'trace not found' }] }])('refuses %j', (answer) => {
    expect(() => readJaegerTrace(answer)).toThrow(TraceFormatError);
  });
});
