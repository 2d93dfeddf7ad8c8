import { MESSAGE_ROUTES, permissionsFor } from '@sliceway/protocol';
import { readFile } from 'node:fs/promises';
import { MalformedMessages, VALID_FRAMES } from './malformed-messages.fixture.js';
import { until } from './until.fixture.js';
import { Workers } from './workers.fixture.js';

const ROLES = ['tokenizer', 'prefill', 'decode'] as const;
type WorkerRole = (typeof ROLES)[number];
const SEED = 6;
/** To each subject. */
const MESSAGES = 300;
const STRANGER = 'deadbeef';

describe('malformed messages', () => {
  let workers: Workers;
  const random = new MalformedMessages(SEED);

  beforeAll(async () => {
    // What is still valid after its mutation is a request like any other, which comes to its end by these.
    workers = await Workers.start({ SLICEWAY_KV_TIMEOUT_MS: '1000', SLICEWAY_TOKEN_IDLE_TIMEOUT_MS: '1000' });
    await workers.live();
  }, 60_000);
  afterAll(() => workers.stop());

  /** A valid message of each type. */
  function validMessage(payload: string): unknown {
    const request = workers.request();
    const { rid, attempt, room } = request;
    const leg = workers.leg(request, { gateway: STRANGER, tokenizer: STRANGER, sampling: { logitBias: [[1, 2]] } });
    const kvFormat = { engine: 'x', dtype: 'f32', pageTokens: 16, layers: [0, 2], kvHeads: [0, 2], headDim: 16 };
    const messages: Record<string, unknown> = {
      EncodeRequest: {
        ...{ rid, attempt, prompt: { messages: [{ role: 'user', content: 'hello' }] }, withText: true, deadlineMs: 0 },
        output: { gateway: STRANGER, choices: 1, stop: ['x'] },
      },
      PrefillLeg: { ...leg, decode: STRANGER },
      DecodeLeg: { ...leg, prefill: STRANGER },
      Abort: { rid, choice: null, attempt, reason: 'deadline' },
      Bootstrap: {
        ...{ rid, choice: 0, attempt, room, decode: STRANGER, transports: ['nats'], window: 8 },
        kvFormat: { ...kvFormat, layout: 'x', fingerprint: 'x' },
      },
      Heartbeat: workers.beatOf(STRANGER, 'gateway'),
    };
    return messages[payload];
  }

  /** The messages that a role may be sent, by subject; discovery and inboxes are nats.js's own. */
  function routesTo(role: WorkerRole): [subject: string, payload: string | null][] {
    const { instance } = workers.get(role);
    const routes = MESSAGE_ROUTES.filter(([, { receivers }]) => receivers.includes(role));
    const listed = routes.map(([, route]) => route.subject(role, '*')).sort();
    const allowed = permissionsFor(role).subscribe.allow.filter((subject) => subject.startsWith('sw.'));
    expect(listed).toEqual(allowed.sort());
    return routes.map(([, route]) => [route.subject(role, instance), route.payload(role)]);
  }

  it.each(ROLES)(
    'to every subject of %s are logged once, counted and dropped, and hurt no other',
    async (role) => {
      const worker = workers.get(role);
      const runs = await workers.begin({ sampling: { maxNewTokens: 100 } });
      const routes = routesTo(role).filter(([, payload]) => payload !== null);
      for (const [subject, payload] of routes) {
        for (let i = 0; i < MESSAGES; i++) {
          const frame = VALID_FRAMES[payload as keyof typeof VALID_FRAMES];
          const bytes = frame ? random.frame(frame) : random.json(subject, validMessage(payload!));
          workers.connection.publish(subject, bytes);
        }
        // In parts: nats-server is not to drop what this test sends.
        await workers.connection.flush();
      }
      for (const [subject] of routes) {
        const message = subject.slice(subject.lastIndexOf('.') + 1);
        const dropped = () => workers.metric(worker, 'sliceway_dropped_total', `message="${message}"`);
        await until(`${message} is counted`, async () => (await dropped()) >= MESSAGES / 4);
      }
      const entries = await workers.finished(runs);
      expect(entries.flatMap(({ tokens }) => tokens)).toHaveLength(100);
      await workers.free(20_000);
      expect(await workers.finished(await workers.begin())).not.toEqual([]);
      const lines = (await readFile(worker.logFile, 'utf8')).split('\n').filter((line) => line.startsWith('{'));
      const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
      const drops = logged
        .filter(({ msg }) => msg === 'dropped')
        .map(({ kind, subject }) => `${kind as string} ${subject as string}`);
      expect(drops).toEqual([...new Set(drops)]);
      expect(logged.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
    },
    60_000,
  );
});
