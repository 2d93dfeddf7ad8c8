import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TraceAttributes, TraceSpan } from '@sliceway/tracing';
import { SAMPLE_RID, sampleTrace } from '@sliceway/tracing/testing';
import { printTrace } from './print-trace.js';
import { TraceError } from './trace-error.js';

const OTHER_RID = `a1b2ffff${SAMPLE_RID.slice(8)}`;

/** As in OTLP JSON; no list is among the attributes that the tree shows. */
function attributes(of: TraceAttributes) {
  return Object.entries(of).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { doubleValue: value } : { stringValue: String(value) },
  }));
}

function line(spans: readonly TraceSpan[]): string {
  const resourceSpans = spans.map((span) => ({
    resource: { attributes: attributes(span.resource) },
    scopeSpans: [
      {
        scope: { name: span.scope },
        spans: [
          {
            ...span,
            parentSpanId: span.parentSpanId ?? '',
            startNs: undefined,
            endNs: undefined,
            startTimeUnixNano: String(span.startNs),
            endTimeUnixNano: String(span.endNs),
            attributes: attributes(span.attributes),
            events: span.events.map(({ name, timeNs }) => ({ name, timeUnixNano: String(timeNs) })),
            links: span.links.map((link) => ({ ...link, attributes: attributes(link.attributes) })),
          },
        ],
      },
    ],
  }));
  return `${JSON.stringify({ resourceSpans })}\n`;
}

const first = sampleTrace();
const later = sampleTrace().map((span) => ({
  ...span,
  traceId: span.name === 'batch_step' ? '9'.repeat(32) : '8'.repeat(32),
  startNs: span.startNs + 1_000_000_000n,
  endNs: span.endNs + 1_000_000_000n,
  links: [],
  attributes: 'rid' in span.attributes ? { ...span.attributes, rid: OTHER_RID } : span.attributes,
}));

describe('printTrace', () => {
  let folder: string;

  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'sliceway-trace-'))));
  afterEach(() => rm(folder, { recursive: true }));

  async function printed(path: string, rid?: string, terminal: { isTTY?: boolean; columns?: number } = {}) {
    let text = '';
    await printTrace(path, rid, { write: (piece) => (text += piece), ...terminal });
    return text;
  }
  async function file(name: string, text: string): Promise<string> {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  }

  it('prints one request of a file: the named one, else the last', async () => {
    const path = await file('t.jsonl', line(later) + line(first));
    const text = await printed(path, 'a1b2c3');
    expect(text).toContain(`request ${SAMPLE_RID}`);
    expect(text).not.toContain('8'.repeat(32));
    expect(text).toMatch(/^TTFT +68.6 ms +100.0 % +21.8 %$/m);
    expect(text).toContain('batch bid=7');
    expect(await printed(path)).toContain(`request ${OTHER_RID}`);
    expect(await printed(path, SAMPLE_RID)).toBe(text);
  });

  it('takes all files of a folder together, rotated ones too, and passes over a line that a crash broke off', async () => {
    const ofService = (service: string) =>
      first.filter(({ resource }) => resource['service.name'] === `sliceway-${service}`);
    await file('gateway.jsonl', line(ofService('gateway')));
    await file('tokenizer.jsonl', line(ofService('tokenizer')));
    await file('prefill.1.jsonl', line(ofService('prefill')));
    await file('decode.jsonl.1', `${line(ofService('decode'))}{"resourceSpans":[{"reso`);
    await file('notes.txt', 'no trace');
    await mkdir(join(folder, 'more'));
    const whole = await file('whole.jsonl', line(first));
    const expected = await printed(whole);
    await rm(whole);
    expect(await printed(folder)).toBe(expected);
  });

  it('reads what Jaeger answers', async () => {
    const spans = first.map(({ traceId, spanId, parentSpanId, name, startNs, endNs, attributes: of, scope }) => ({
      traceID: traceId,
      spanID: spanId,
      operationName: name,
      references: parentSpanId === null ? [] : [{ refType: 'CHILD_OF', traceID: traceId, spanID: parentSpanId }],
      startTime: Number(startNs / 1000n),
      duration: Number((endNs - startNs) / 1000n),
      tags: [...Object.entries(of), ['otel.scope.name', scope]].map(([key, value]) => ({ key, value })),
      processID: 'p1',
    }));
    const path = await file(
      'jaeger.json',
      JSON.stringify({ data: [{ spans, processes: { p1: { serviceName: 's' } } }] }),
    );
    expect(await printed(path)).toMatch(/prefill_forward +7.25 ms +61.0 ms/);
  });

  it('uses the columns and colours of a terminal', async () => {
    const path = await file('t.jsonl', line(first));
    const widest = (text: string) => Math.max(...text.split('\n').map(({ length }) => length));
    const [narrow, usual] = [await printed(path, undefined, { columns: 90 }), await printed(path)];
    expect([widest(narrow), widest(usual)]).toEqual([90, 110]);
    expect(usual).not.toContain('\u001b[');
    expect(await printed(path, undefined, { isTTY: true })).toContain('\u001b[');
  });

  it.each([
    ['a request that is not there', 'ffff', /holds no request ffff; there are:\n {2}a1b2c3d4\w+\n {2}a1b2ffff\w+$/],
    ['a beginning of two', 'a1b2', /2 requests in .* begin with a1b2; there are:/],
  ])('names %s', async (_, rid, reason) => {
    const path = await file('t.jsonl', line(first) + line(later));
    await expect(printed(path, rid)).rejects.toThrow(TraceError);
    await expect(printed(path, rid)).rejects.toThrow(reason);
  });

  it('names files that are none', async () => {
    await expect(printed(join(folder, 'nothing'))).rejects.toThrow(/nothing cannot be read: ENOENT/);
    await expect(printed(folder)).rejects.toThrow(/has no .json or .jsonl file/);
    await expect(printed(await file('empty.jsonl', ''))).rejects.toThrow(/holds no trace of a request/);
    await expect(printed(await file('bad.jsonl', `{\n${line(first)}`))).rejects.toThrow(
      /bad.jsonl: line 1 is no OTLP JSON/,
    );
  });
});
