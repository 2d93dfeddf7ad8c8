import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Svcm } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
import { inboxPrefix, MESSAGE_ROUTES, ROLES, type Role } from '@sliceway/protocol';
import { securedNats } from '@sliceway/testing';
import { Broker } from './broker.fixture.js';

type User = Role | 'operator';
const USERS: readonly User[] = [...ROLES, 'operator'];
const INSTANCE = '0000000a';
/** What nobody but the user whose it is may touch, or nobody at all. */
const FOREIGN = ['_INBOX.x', '$SRV.STATS', '$JS.API.INFO', '$SYS.REQ.SERVER.PING', 'elsewhere'];

/** Every subject of the message table that some role sends, to one instance. */
const subjectsTo = (sender?: Role): Set<string> =>
  new Set(
    MESSAGE_ROUTES.filter(([, { senders }]) => sender === undefined || senders.includes(sender)).flatMap(
      ([, { receivers, subject }]) => receivers.map((receiver) => subject(receiver, INSTANCE)),
    ),
  );

describe('a nats-server with the configuration of infra/nats', () => {
  let broker: Broker;
  let folder: string;
  const connections = {} as Record<User, NatsConnection>;
  /** What nats-server refused, by user. */
  const refused = {} as Record<User, string[]>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sliceway-permissions-'));
    const { args, environment, passwords } = securedNats(folder, process.env);
    broker = await Broker.start(args, environment);
    for (const user of USERS) {
      const connection = await broker.connect({
        user,
        pass: passwords[user],
        ...(user === 'operator' ? {} : { inboxPrefix: inboxPrefix(user) }),
      });
      connections[user] = connection;
      refused[user] = [];
      void (async () => {
        for await (const event of connection.status()) {
          if (event.type === 'error') refused[user].push(String(event.error));
        }
      })();
    }
  });
  beforeEach(() => USERS.forEach((user) => (refused[user] = [])));
  afterAll(async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** nats-server answers in order: what it refuses of a connection has been told before its flush ends. */
  const settled = async (): Promise<void> => {
    for (const user of USERS) await connections[user].flush();
    for (const user of USERS) await connections[user].flush();
  };
  const noneRefused = Object.fromEntries(USERS.map((user) => [user, []]));

  it.each(MESSAGE_ROUTES)('%s comes from every sender to every receiver', async (_, route) => {
    for (const receiver of route.receivers) {
      const subject = route.subject(receiver, INSTANCE);
      const came: string[] = [];
      const subscription = connections[receiver].subscribe(subject, {
        callback: (_error, message) => void came.push(message.string()),
      });
      await settled();
      for (const sender of route.senders) connections[sender].publish(subject, sender);
      await settled();
      subscription.unsubscribe();
      expect(came.sort()).toEqual([...route.senders].sort());
    }
    expect(refused).toEqual(noneRefused);
  });

  it('an answer goes to the inbox that asked, once', async () => {
    connections.tokenizer.subscribe(`sw.tokenizer.${INSTANCE}.encode`, {
      callback: (_error, message) => {
        message.respond('first');
        message.respond('second');
      },
    });
    await settled();
    const reply = await connections.gateway.request(`sw.tokenizer.${INSTANCE}.encode`, 'x', { timeout: 5000 });
    await settled();
    expect(reply.string()).toBe('first');
    expect(refused).toEqual({ ...noneRefused, tokenizer: [expect.stringMatching(/publish.*_INBOX_gateway/i)] });
  });

  it.each(ROLES)('%s cannot publish what is not its to say', async (role) => {
    const may = subjectsTo(role);
    const inboxes = ROLES.map((other) => `${inboxPrefix(other)}.x`);
    const foreign = [...subjectsTo(), ...inboxes, ...FOREIGN].filter((subject) => !may.has(subject));
    for (const subject of foreign) connections[role].publish(subject, 'x');
    await settled();
    expect(refused[role]).toHaveLength(foreign.length);
    for (const subject of foreign) expect(refused[role].join('\n')).toContain(`"${subject}"`);
  });

  it.each(ROLES)('%s cannot listen to what is not for it', async (role) => {
    const others = ROLES.filter((other) => other !== role);
    const foreign = [
      ...['>', 'sw.>', `sw.*.${INSTANCE}.*`, '_INBOX.>', '$SYS.>', '$JS.>'],
      ...others.flatMap((other) => [`sw.${other}.>`, `${inboxPrefix(other)}.>`]),
      ...MESSAGE_ROUTES.flatMap(([, { receivers, subject }]) =>
        receivers.includes(role) ? [] : receivers.map((receiver) => subject(receiver, INSTANCE)),
      ),
    ];
    const told: string[] = [];
    for (const subject of foreign) {
      connections[role].subscribe(subject, { callback: (error) => void (error && told.push(subject)) });
    }
    await settled();
    expect(told.sort()).toEqual(foreign.sort());
  });

  it('an operator finds every service, hears heartbeats, and sends nothing to a service', async () => {
    for (const role of ROLES) await new Svcm(connections[role]).add({ name: `sliceway-${role}`, version: '0.1.0' });
    // The server has their subscriptions before anybody asks.
    await settled();
    const client = new Svcm(connections.operator).client();
    for (const verb of ['ping', 'info', 'stats'] as const) {
      const names: string[] = [];
      for await (const { name } of await client[verb]()) names.push(name);
      expect(names.sort()).toEqual(ROLES.map((role) => `sliceway-${role}`).sort());
    }
    expect(refused).toEqual(noneRefused);
    const all = [...subjectsTo()];
    for (const subject of all) connections.operator.publish(subject, 'x');
    await settled();
    expect(refused.operator).toHaveLength(all.length);
  });
});
