import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Svcm } from '@nats-io/services';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { parseHeartbeat, subjects, type Heartbeat } from '@sliceway/protocol';
import { Broker } from './broker.fixture.js';
import { ServiceProcess } from './service-process.fixture.js';
import { until } from './until.fixture.js';

const FAILED = {
  rid: '0'.repeat(32),
  choice: null,
  attempt: 0,
  code: 'deadline',
  message: 'late',
  from: { role: 'decode', instance: '0000000a' },
};

describe('runService', () => {
  let broker: Broker;
  let connection: NatsConnection;
  /** A flush that was under way when the broker went down is rejected. */
  const connectedAgain = (): Promise<void> =>
    until('the test is connected again', () =>
      connection.flush().then(
        () => true,
        () => false,
      ),
    );
  let beats: Heartbeat[];
  let running: ServiceProcess[];

  const start = async (environment?: Record<string, string>): Promise<ServiceProcess> => {
    const service = await ServiceProcess.ready(broker, environment);
    running.push(service);
    return service;
  };
  const take = (message: string): void => {
    try {
      beats.push(parseHeartbeat((JSON.parse(message) as { data: unknown }).data));
    } catch {
      // One test sends some that are none.
    }
  };
  const beatsOf = ({ instance }: ServiceProcess): Heartbeat[] => beats.filter((beat) => beat.instance === instance);

  beforeAll(async () => {
    broker = await Broker.start();
    connection = await broker.connect({ maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    connection.subscribe(subjects.heartbeat, { callback: (_error, message) => void take(message.string()) });
  });
  beforeEach(() => {
    beats = [];
    running = [];
  });
  afterEach(() => Promise.all(running.map((service) => service.stop())));
  afterAll(() => broker.stop());

  describe('when it starts', () => {
    it.each(['info', 'silent'])('prints one ready line at LOG_LEVEL=%s', async (level) => {
      const service = await start({ LOG_LEVEL: level });
      const [line, ...more] = (await service.lines()).filter(({ msg }) => msg === 'ready');
      expect(line).toMatchObject({ level: 'info', role: 'gateway', instance: service.instance });
      expect(line!['url']).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      expect(more).toEqual([]);
      expect((await service.get('/health/ready')).status).toBe(200);
    });

    it('names every fault of the environment at once, and no secret', async () => {
      const service = new ServiceProcess(broker, {
        PORT: '65536',
        LOG_LEVEL: 'loud',
        SLICEWAY_DRAIN_TIMEOUT_MS: 'soon',
        SLICEWAY_TRACE_LEVEL: '4',
        NATS_URL: 'http//user:hunter2@host',
        HOST: '',
      });
      expect(await service.exitCode()).toBe(1);
      const [line] = await service.lines();
      expect(line).toMatchObject({ level: 'fatal' });
      expect(line!['faults']).toEqual([
        'NATS_URL has a secret value: expected nats://host:port, or several of them separated by commas',
        'PORT is "65536": expected a whole number from 0 to 65535',
        expect.stringMatching(/^LOG_LEVEL is "loud": .*"fatal".*"silent"/),
        'SLICEWAY_DRAIN_TIMEOUT_MS is "soon": expected a whole number of at least 0',
        'SLICEWAY_TRACE_LEVEL is "4": expected a whole number from 0 to 3',
      ]);
      expect(JSON.stringify(await service.lines())).not.toContain('hunter2');
    });

    it('waits for nats-server, and says so', async () => {
      await broker.down();
      const service = new ServiceProcess(broker);
      running.push(service);
      expect(await service.logs('waiting for nats-server')).toMatchObject({ servers: broker.url });
      await broker.up();
      await service.child.ready;
      await connectedAgain();
    });

    it('registers as a NATS micro service', async () => {
      const service = await start();
      const found = [];
      for await (const info of await new Svcm(connection).client().info('sliceway-gateway')) found.push(info);
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ name: 'sliceway-gateway', metadata: { instance: service.instance } });
    });

    it('ends when nothing catches an error', async () => {
      const service = await start();
      await service.get('/crash').catch(() => {});
      expect(await service.exitCode()).toBe(1);
      expect(await service.logs('unhandledRejection')).toMatchObject({ error: { message: 'nobody waits for this' } });
    });
  });

  describe('while it runs', () => {
    it('tells of itself: live, ready, summary, metrics', async () => {
      const service = await start();
      expect(await service.get('/health/live')).toMatchObject({ status: 200 });
      expect(await service.json('/health/ready')).toEqual({ status: 'ready', reasons: [] });
      const summary = { status: 'ready', role: 'gateway', instance: service.instance, version: '0.1.0', reasons: [] };
      expect(await service.json('/health')).toMatchObject(summary);
      const active = `sliceway_requests_active{role="gateway",instance="${service.instance}"} 0`;
      const { body, type } = await service.get('/metrics');
      expect(type).toMatch(/^text\/plain; version=0.0.4/);
      expect(body).toContain(active);
      const open = await service.get('/metrics', { accept: 'application/openmetrics-text; version=1.0.0' });
      expect(open.type).toMatch(/^application\/openmetrics-text; version=1.0.0/);
      expect(open.body).toContain(active);
      expect(open.body.endsWith('\n# EOF\n')).toBe(true);
    });

    it('drops, counts and logs once what it cannot read, and takes the next', async () => {
      const service = await start();
      const subject = subjects.failed(service.instance);
      const send = (message: unknown): void => connection.publish(subject, JSON.stringify(message));
      for (let i = 0; i < 20; i++) {
        for (const bytes of ['', '{', 'null', '7', '[]', '{}', '{"data":{}}']) connection.publish(subject, bytes);
        connection.publish(subject, new Uint8Array([0xff, 0xfe, 0x00]));
        connection.publish(subjects.heartbeat, '{"data":{"role":"x"}}');
        send({ pattern: subject, data: { ...FAILED, code: 'made_up' } });
        send({ pattern: subject, data: { ...FAILED, message: 'throw' } });
      }
      send({ pattern: subject, data: FAILED });
      await until('the good one came', async () => (await service.get('/failed')).body === '1');
      const { body } = await service.get('/metrics');
      const dropped = (kind: string, message: string): number =>
        Number(new RegExp(`sliceway_dropped_total\\{kind="${kind}",message="${message}".*\\} (\\d+)`).exec(body)?.[1]);
      expect(dropped('message', 'failed')).toBe(9 * 20);
      expect(dropped('message', 'heartbeat')).toBe(20);
      const failed = (await service.lines()).filter(({ msg }) => msg === 'a message handler failed');
      expect(failed).toHaveLength(20);
      expect(failed[0]).toMatchObject({ rid: FAILED.rid, subject, error: { message: 'a bug in a handler' } });
      const lines = (await service.lines()).filter(({ msg }) => msg === 'dropped');
      expect(lines.map(({ kind, subject }) => [kind, subject]).sort()).toEqual(
        [
          ['message', subject],
          ['message', subjects.heartbeat],
        ].sort(),
      );
      expect((await service.get('/protocol-error')).status).toBe(500);
    });

    it("hands a request's context on in message headers", async () => {
      const service = await start();
      const passedOn: { body: string; context: MsgHdrs | undefined }[] = [];
      const subscription = connection.subscribe('test.passed_on', {
        callback: (_error, message) => void passedOn.push({ body: message.string(), context: message.headers }),
      });
      const context = headers();
      context.set('traceparent', `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`);
      context.set('tracestate', 'vendor=1');
      const body = JSON.stringify({ data: FAILED });
      connection.publish(subjects.failed(service.instance), body, { headers: context });
      connection.publish(subjects.failed(service.instance), body);
      await until('both are passed on', () => passedOn.length === 2);
      subscription.unsubscribe();
      expect(JSON.parse(passedOn[0]!.body)).toEqual({ pattern: 'test.passed_on', data: 'late' });
      expect(passedOn[0]!.context?.get('traceparent')).toBe(context.get('traceparent'));
      expect(passedOn[0]!.context?.get('tracestate')).toBe('vendor=1');
      expect(passedOn[1]!.context?.get('traceparent') ?? '').toBe('');
    });

    it('is not ready while nats-server is down, and ready again when it is back', async () => {
      const service = await start();
      await broker.down();
      await until('it is not ready', async () => (await service.get('/health/ready')).status === 503);
      await until('it says which connections it lacks', async () =>
        (await service.get('/health/ready')).body.includes('for frames, handlers, messages'),
      );
      expect((await service.get('/health/live')).status).toBe(200);
      await broker.up();
      await until('it is ready', async () => (await service.get('/health/ready')).status === 200);
      await connectedAgain();
      const before = beatsOf(service).length;
      await until('its heart beats', () => beatsOf(service).length > before);
    });
  });

  describe('among others', () => {
    it('knows them, and is known, before an interval is over; a newcomer costs each one beat', async () => {
      const slowly = { SLICEWAY_HEARTBEAT_INTERVAL_MS: '60000' };
      const old = [await start(slowly), await start(slowly), await start(slowly)];
      await sleep(300);
      beats = [];
      const newcomer = await start(slowly);
      await until('all know all', async () => {
        const known = await Promise.all([...old, newcomer].map((service) => service.peers()));
        return known.every((peers) => peers.length === 3);
      });
      await sleep(300);
      for (const service of old) expect(beatsOf(service)).toHaveLength(1);
      expect(beatsOf(newcomer).length).toBeLessThanOrEqual(2);
    });

    it('loses one that is killed after three intervals, and one that says goodbye at once', async () => {
      const [stays, killed, leaves] = [
        await start(),
        await start(),
        await start({ SLICEWAY_HEARTBEAT_INTERVAL_MS: '60000' }),
      ];
      await until('it knows both', async () => (await stays.peers()).length === 2);
      killed.child.kill('SIGKILL');
      leaves.child.kill('SIGTERM');
      await stays.logs('peer gone', { peer: killed.instance, reason: 'lost' });
      await stays.logs('peer gone', { peer: leaves.instance, reason: 'left' });
      expect(await leaves.exitCode()).toBe(0);
    });

    it('counts as lost while it is stopped, and loses nobody itself', async () => {
      const [stays, stopped] = [await start(), await start()];
      await until('it knows the other', async () => (await stopped.peers()).length === 1);
      stopped.child.kill('SIGSTOP');
      await stays.logs('peer gone', { peer: stopped.instance, reason: 'lost' });
      await sleep(500);
      stopped.child.kill('SIGCONT');
      await until('it is back', async () => (await stays.peers()).length === 1);
      await sleep(300);
      expect((await stopped.lines()).filter(({ msg }) => msg === 'peer gone')).toEqual([]);
    });
  });

  describe('when it is told to stop', () => {
    it.each(['SIGTERM', 'SIGINT'] as const)(
      'on %s finishes what it began, takes no more, and says goodbye',
      async (signal) => {
        const service = await start();
        const work = service.get('/work?ms=600');
        await until('it works', async () =>
          (await service.get('/metrics')).body.includes('instance="' + service.instance + '"} 1'),
        );
        service.child.kill(signal);
        await until('it is not ready', async () => (await service.get('/health/ready')).status === 503);
        expect(await service.json('/health/ready')).toEqual({
          status: 'unready',
          reasons: ['the service is draining'],
        });
        expect((await service.get('/health/live')).status).toBe(200);
        expect((await work).body).toBe('done');
        expect(await service.exitCode()).toBe(0);
        await connectedAgain();
        const states = beatsOf(service).map(({ state }) => state);
        expect(states.at(-1)).toBe('stopped');
        expect(states.filter((state) => state === 'stopped')).toHaveLength(1);
        expect(states).toContain('draining');
      },
    );

    it('waits no longer than the limit', async () => {
      const service = await start({ SLICEWAY_DRAIN_TIMEOUT_MS: '200' });
      const work = service.get('/work?ms=20000').catch(() => null);
      await until('it works', async () =>
        (await service.get('/metrics')).body.includes('instance="' + service.instance + '"} 1'),
      );
      service.child.kill('SIGTERM');
      expect(await service.exitCode()).toBe(0);
      await work;
      expect(await service.logs('ended with requests under way')).toMatchObject({ requests: 1 });
    });

    it.each([
      ['SIGTERM', 'SIGTERM', 143],
      ['SIGTERM', 'SIGINT', 130],
      ['SIGINT', 'SIGTERM', 143],
    ] as const)('ends at once on a second signal: %s, then %s', async (first, second, code) => {
      const service = await start();
      void service.get('/work?ms=20000').catch(() => null);
      await until('it works', async () =>
        (await service.get('/metrics')).body.includes('instance="' + service.instance + '"} 1'),
      );
      service.child.kill(first);
      await service.logs('draining');
      service.child.kill(second);
      expect(await service.exitCode()).toBe(code);
    });

    it('does not wait for idle clients', async () => {
      const service = await start();
      const agent = new Agent({ keepAlive: true });
      await new Promise((resolve, reject) =>
        get(`${service.child.url}/health/live`, { agent }, (response) => response.resume().on('end', resolve)).on(
          'error',
          reject,
        ),
      );
      service.child.kill('SIGTERM');
      expect(await service.exitCode()).toBe(0);
      agent.destroy();
    });

    it('ends though nats-server is down', async () => {
      const service = await start();
      await broker.down();
      await until('it is not ready', async () => (await service.get('/health/ready')).status === 503);
      service.child.kill('SIGTERM');
      expect(await service.exitCode()).toBe(0);
      await broker.up();
    });

    it('ends while it still waits for nats-server', async () => {
      await broker.down();
      const service = new ServiceProcess(broker);
      await service.logs('waiting for nats-server');
      service.child.kill('SIGTERM');
      expect(await service.exitCode()).toBe(143);
      await broker.up();
    });
  });

  describe('with a nats-server that asks for a password', () => {
    let guarded: Broker;
    beforeAll(async () => {
      guarded = await Broker.start(['--user', 'gateway', '--pass', 'p@ss:word']);
    });
    afterAll(() => guarded.stop());

    it('takes it from NATS_URL, and tells nobody', async () => {
      const url = guarded.url.replace('//', '//gateway:p%40ss%3Aword@');
      const service = await ServiceProcess.ready(guarded, { NATS_URL: url });
      expect((await service.get('/health/ready')).status).toBe(200);
      await guarded.down();
      await until('it is not ready', async () => (await service.get('/health/ready')).status === 503);
      expect((await service.get('/health/ready')).body).not.toContain('word');
      expect(JSON.stringify(await service.lines())).not.toContain('word');
      await service.stop();
      await guarded.up();
    });

    it('ends when it is refused', async () => {
      const service = new ServiceProcess(guarded, { NATS_URL: guarded.url });
      expect(await service.exitCode()).toBe(1);
      const fatal = (await service.lines()).find(({ level }) => level === 'fatal');
      expect(JSON.stringify(fatal)).toMatch(/Authorization/);
    });
  });
});
