import { readFileSync } from 'node:fs';
import { TracedCluster } from './traced-cluster.fixture.js';
import { until } from './until.fixture.js';

/** In every text that a client sends. */
const CANARY = 'xylophonequagga';
/** So much of an answer is not there by chance. */
const TELLING_CHARS = 12;
const RECOVERY_MS = 10_000;

const json = (text: string): string => JSON.stringify(text).slice(1, -1);

describe('what clients write and read', () => {
  let traced: TracedCluster;
  const texts: string[] = [];
  const rids: string[] = [];

  const send = async (path: string, body: string | object, signal?: AbortSignal): Promise<Response> => {
    const response = await fetch(traced.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal ? { signal } : {}),
    });
    rids.push(response.headers.get('x-request-id')!);
    return response;
  };
  /** All that answers of any of the APIs have of text. */
  const collect = (answer: unknown): void => {
    if (typeof answer !== 'object' || answer === null) return;
    for (const [name, value] of Object.entries(answer)) {
      if (typeof value === 'string' && ['content', 'text'].includes(name)) texts.push(value);
      else collect(value);
    }
  };
  const ask = async (path: string, body: string | object): Promise<number> => {
    const response = await send(path, body);
    const text = await response.text();
    if (response.ok) collect(JSON.parse(text));
    return response.status;
  };
  const stream = async (body: object, onFirst?: () => void, signal?: AbortSignal): Promise<string> => {
    const response = await send('/v1/chat/completions', { ...body, stream: true }, signal);
    let all = '';
    for await (const bytes of response.body!) {
      if (all === '') onFirst?.();
      all += Buffer.from(bytes).toString();
    }
    const events = all.split('\n').filter((line) => line.startsWith('data: {'));
    const pieces = events.map((line) => JSON.parse(line.slice('data: '.length)).choices?.[0]?.delta?.content ?? '');
    texts.push(pieces.join(''));
    return all;
  };

  beforeAll(async () => {
    const env = { LOG_LEVEL: 'trace', SLICEWAY_MAX_BODY_BYTES: '100000', SLICEWAY_HEARTBEAT_INTERVAL_MS: '100' };
    traced = await TracedCluster.start({ env });
  });
  afterAll(() => traced?.stop());

  const chat = () => ({
    model: traced.fixture.model,
    messages: [
      { role: 'system', content: `a ${CANARY}` },
      { role: 'user', content: `the ${CANARY}` },
    ],
    max_tokens: 40,
    ignore_eos: true,
    stop: [CANARY],
    user: CANARY,
  });

  it('is served', async () => {
    expect(await ask('/v1/chat/completions', { ...chat(), n: 2, logprobs: true, top_logprobs: 3 })).toBe(200);
    expect(await stream(chat())).toContain('[DONE]');
    const { messages: _, ...rest } = chat();
    expect(await ask('/v1/completions', { ...rest, prompt: [CANARY, `${CANARY} 2`], echo: true })).toBe(200);
    expect(await ask('/generate', { text: CANARY, sampling_params: { max_new_tokens: 40, ignore_eos: true } })).toBe(
      200,
    );
    expect(texts.filter((text) => text.length >= TELLING_CHARS).length).toBeGreaterThan(5);
  });

  it('is refused', async () => {
    const refused = [
      [`{"model":"${CANARY}`, 400],
      [`{"messages": ${CANARY}}`, 400],
      [{ ...chat(), messages: CANARY }, 400],
      [{ ...chat(), messages: [{ role: CANARY, content: CANARY }] }, 400],
      [{ ...chat(), messages: [{ role: 'user', content: { [CANARY]: CANARY } }] }, 400],
      [{ ...chat(), max_tokens: CANARY }, 400],
      [{ ...chat(), response_format: { type: CANARY } }, 400],
      // A model's name is no text: spans have it, as OpenTelemetry's conventions want.
      [{ ...chat(), model: 'another' }, 404],
      [{ ...chat(), messages: [{ role: 'user', content: CANARY.repeat(60) }] }, 400],
      [{ ...chat(), messages: [{ role: 'user', content: CANARY.repeat(9000) }] }, 413],
    ] as const;
    for (const [body, status] of refused)
      expect([body, await ask('/v1/chat/completions', body)]).toEqual([body, status]);
  });

  it('is left by its client, and lost with a worker', async () => {
    const controller = new AbortController();
    // Long enough for what happens after the first event to come before the last.
    const long = { ...chat(), n: 8, max_tokens: 440 };
    await expect(stream(long, () => controller.abort(), controller.signal)).rejects.toThrow(/abort/);
    const [decode] = traced.fixture.cluster.running('decode');
    expect(await stream(long, () => decode!.kill('SIGKILL'))).toContain('worker_lost');
    await until('the others have missed it', RECOVERY_MS, async () => !(await fetch(`${traced.url}/health/ready`)).ok);
    expect(await ask('/v1/chat/completions', chat())).toBe(503);
  });

  it('is in no log, no span and no metric', async () => {
    await traced.traces(rids.slice(0, 2));
    const { receiver, fixture } = traced;
    const metrics = await Promise.all(
      fixture.running.flatMap(({ url }) =>
        ['text/plain', 'application/openmetrics-text'].map(async (accept) =>
          (await fetch(`${url}/metrics`, { headers: { accept } })).text(),
        ),
      ),
    );
    const logs = [fixture.nats.process, ...fixture.cluster.processes].map(({ logFile }) =>
      readFileSync(logFile, 'utf8'),
    );
    const places = {
      log: logs.join('\n'),
      otlp: receiver.bodies.map((body) => body.toString()).join('\n'),
      spans: JSON.stringify(receiver.spans(), (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
      metrics: metrics.join('\n'),
    };
    // What has to be there: else nothing was looked at.
    expect(places.log).toContain('"level":"debug"');
    expect(places.otlp).toContain('gateway Req');
    for (const rid of rids.slice(0, 2)) expect(places.spans).toContain(rid);
    expect(places.metrics).toContain('sliceway_requests_total');

    const answers = texts.filter((text) => text.length >= TELLING_CHARS).map((text) => text.slice(-TELLING_CHARS));
    const ids = [...Buffer.from(CANARY)].join(',');
    for (const text of [CANARY, ids, ...answers]) {
      const found = Object.entries(places).filter(([, place]) => place.includes(text) || place.includes(json(text)));
      expect([text, found.map(([name, place]) => around(name, place, text))]).toEqual([text, []]);
    }
  });
});

function around(name: string, place: string, text: string): string {
  const at = Math.max(place.indexOf(text), place.indexOf(json(text)));
  return `${name}: ${place.slice(Math.max(0, at - 300), at + 100)}`;
}
