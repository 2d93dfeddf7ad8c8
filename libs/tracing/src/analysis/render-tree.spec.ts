import type { TraceSpan } from '../trace-span.js';
import { renderTree } from './render-tree.js';
import { type SampleOptions, sampleTrace } from './sample-trace.fixture.js';
import { timeText, wrap } from './terminal-text.js';

const ANSI = /\u001b\[[0-9;]*m/g;
const SAMPLES: [string, SampleOptions][] = [
  ['a stream', {}],
  [
    'level 3, a retry, choices, two hosts',
    { level: 3, retry: true, choices: 3, steps: 40, hosts: { decode: 'ffeeddcc' } },
  ],
  ['an abort', { aborted: true }],
  ['nanoseconds', { duration: () => 1n }],
  ['no time at all', { duration: () => 0n }],
  ['a quick end', { quick: true, level: 1 }],
];

const lineOf = (text: string, start: string): string => text.split('\n').find((line) => line.includes(start)) ?? '';

describe.each([72, 100, 120, 200])('at %d columns', (width) => {
  it.each(SAMPLES)('%s fits', (_, options) => {
    const spans = sampleTrace(options);
    const text = renderTree(spans, { width });
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(width);
    expect(text).not.toMatch(ANSI);
    const colored = renderTree(spans, { width, color: true });
    expect(colored).toMatch(ANSI);
    expect(colored.replace(ANSI, '')).toBe(text);
  });
});

describe('the tree', () => {
  it('is indented by parent, with start, length and a bar in its place', () => {
    const text = renderTree(sampleTrace(), { width: 110 });
    const tree = text.slice(0, text.indexOf('CRITICAL PATH')).split('\n');
    const at = (name: string): string => tree.find((line) => line.includes(name))!;
    expect(at('POST')).toMatch(/^POST +0 ns +314 ms {2}─{50,}$/);
    expect(at('Bootstrap Room')).toMatch(/^└ Bootstrap Room 0x0123456789abcdef +80.0 µs +314 ms/);
    expect(at('gateway Req')).toMatch(/^ {2}├ gateway Req a1b2c3d4 /);
    expect(at('receive')).toMatch(/^ {2}│ {3}├ receive +80.0 µs +210 µs {2}█$/);
    expect(at('first_token_wait')).toMatch(/ {2}░+$/);
    expect(at('detokenize')).toMatch(/ {3,}█░+█$/);
    const bar = at('decode_forward').indexOf('█');
    expect(bar).toBeGreaterThan(at('prefill_forward').indexOf('█'));
  });

  it('says what links lead to, and what happened', () => {
    const text = renderTree(sampleTrace({ retry: true }));
    expect(text).toContain('← gateway/dispatch');
    expect(text).toContain('⇄ kv decode_transferred');
    expect(text).toContain('batch bid=7');
    expect(text).toContain('↻ retry_of Bootstrap Room 0x0123456789abcdef');
    expect(text).toContain('• first_text, last_token');
    // What failed below it for the same reason has the mark alone.
    expect(text.match(/✗ worker_lost/g)).toHaveLength(1);
    expect(lineOf(text, 'first_token_wait ✗')).not.toBe('');
  });

  it('has messages where they are sent and where they are processed', () => {
    const text = renderTree(sampleTrace({ level: 3 }), { width: 110 });
    expect(lineOf(text, 'send sw.tokenizer.encode')).toMatch(/▪$/);
    expect(text).toMatch(/├ tokenize_wait .*\n.*└ send sw\.tokenizer\.encode +305 µs +45\.0 µs/);
    expect(text).toContain('✉ gateway/send sw.tokenizer.encode');
  });

  it('has the tokens of the attempt that has the answer', () => {
    const spans = sampleTrace({ retry: true });
    const last = spans.findLast(({ name }) => name.startsWith('gateway Req'))!;
    Object.assign(last.attributes, { 'gen_ai.usage.output_tokens': 12 });
    expect(renderTree(spans)).toContain(' · 12 out · ');
  });

  it('says the same of links that have lost their kinds, as in Jaeger', () => {
    const spans = sampleTrace({ retry: true, level: 3 });
    const bare = spans.map((span) => ({ ...span, links: span.links.map((link) => ({ ...link, attributes: {} })) }));
    expect(renderTree(bare)).toBe(renderTree(spans));
  });

  it('folds many slices alike', () => {
    const text = renderTree(sampleTrace({ level: 3, steps: 40 }));
    expect(text.match(/[├└] decode_loop/g)).toHaveLength(3);
    expect(text).toMatch(/… 37 × decode_loop/);
    expect(text).toContain('batch bid=102…138  • 37×schedule');
  });

  it('names the host where there are several', () => {
    expect(renderTree(sampleTrace())).toContain('engine pid 104 choice 0');
    expect(renderTree(sampleTrace({ hosts: { decode: 'ffeeddcc' } }))).toContain('engine ffeeddcc:104 choice 0');
  });

  it('shows what hangs on nothing, and where a link leads to nothing', () => {
    const spans = sampleTrace().filter(({ name }) => !/^(prefill Req|gateway Req|dispatch$)/.test(name));
    const text = renderTree(spans);
    expect(text).toMatch(/^kv_sender/m);
    expect(text).toMatch(/← 5a0{10,}\S+ \(not here\)/);
    expect(text).not.toContain('CRITICAL PATH');
  });

  it('lets no name move the cursor', () => {
    const spans = sampleTrace().map((span): TraceSpan =>
      span.name === 'POST' ? { ...span, name: 'a\u001b[2Jb\r\n' } : span,
    );
    expect(renderTree(spans)).toContain('a·[2Jb··');
  });

  it('of no spans is no tree', () => expect(renderTree([])).toContain('no spans'));
});

describe('the critical path', () => {
  const text = renderTree(sampleTrace());

  it('has shares of TTFT and E2E', () => {
    expect(lineOf(text.slice(text.indexOf('CRITICAL')), 'prefill_forward')).toMatch(
      /^prefill_forward +prefill\/engine +7.17 ms +61.0 ms +88.9 % +19.4 % +█+$/,
    );
    expect(text).toMatch(/^TTFT +68.6 ms +100.0 % +21.8 %$/m);
    expect(text).toMatch(/^E2E +314 ms +100.0 %$/m);
    expect(lineOf(text, 'hop:decode>tokenizer')).toMatch(/^hop:decode>tokenizer +313 ms +120 µs +0.0 % +╌$/);
  });

  it('says what nobody knows', () => {
    expect(renderTree(sampleTrace({ retry: true }))).toMatch(
      /^TTFT \(35.9 % unattributed\) +111 ms +100.0 % +31.1 %$/m,
    );
  });
});

it.each([
  [0n, '0 ns'],
  [999n, '999 ns'],
  [1_000n, '1.00 µs'],
  [9_994n, '9.99 µs'],
  [9_995n, '10.0 µs'],
  [99_960n, '100 µs'],
  [999_499n, '999 µs'],
  [999_500n, '1.00 ms'],
  [999_600_000n, '1.00 s'],
  [75_000_000_000n, '75.0 s'],
  [-1_500n, '-1.50 µs'],
])('%d ns is written %j', (ns, text) => expect(timeText(ns)).toBe(text));

it('wraps between notes', () => expect(wrap(['aaaa', 'bb', 'cccccccc'], 8)).toEqual(['aaaa  bb', 'cccccccc']));
