import { OPERATOR_PERMISSIONS, permissionsFor } from './permissions.js';
import { ROLES } from './roles.js';

const CLUSTER = ['sw.cluster.all.heartbeat', 'sw.cluster.all.trace_level'];
const [HEARTBEAT] = CLUSTER as [string];

/** Written out by hand: a change of the message table shows here as a change of what a stolen credential can do. */
const expected = {
  gateway: {
    publish: [
      'sw.tokenizer.*.encode',
      'sw.prefill.*.leg',
      'sw.decode.*.leg',
      'sw.tokenizer.*.abort',
      'sw.prefill.*.abort',
      'sw.decode.*.abort',
      ...CLUSTER,
      '$SRV.PING',
      '$SRV.PING.>',
      '$SRV.INFO',
      '$SRV.INFO.>',
    ],
    subscribe: ['sw.gateway.*.failed', 'sw.gateway.*.text', ...CLUSTER, '_INBOX_gateway.>', '$SRV.>'],
  },
  tokenizer: {
    publish: ['sw.gateway.*.failed', 'sw.gateway.*.text', HEARTBEAT],
    subscribe: [
      'sw.tokenizer.*.encode',
      'sw.tokenizer.*.abort',
      'sw.tokenizer.*.tokens',
      ...CLUSTER,
      '_INBOX_tokenizer.>',
      '$SRV.>',
    ],
  },
  prefill: {
    publish: ['sw.gateway.*.failed', 'sw.decode.*.kv', 'sw.tokenizer.*.tokens', HEARTBEAT],
    subscribe: [
      'sw.prefill.*.leg',
      'sw.prefill.*.abort',
      'sw.prefill.*.bootstrap',
      'sw.prefill.*.credit',
      ...CLUSTER,
      '_INBOX_prefill.>',
      '$SRV.>',
    ],
  },
  decode: {
    publish: [
      'sw.gateway.*.failed',
      'sw.prefill.*.bootstrap',
      'sw.prefill.*.credit',
      'sw.tokenizer.*.tokens',
      HEARTBEAT,
    ],
    subscribe: ['sw.decode.*.leg', 'sw.decode.*.abort', 'sw.decode.*.kv', ...CLUSTER, '_INBOX_decode.>', '$SRV.>'],
  },
};

it.each(ROLES)('%s may do exactly this', (role) => {
  const { publish, subscribe, allowResponses } = permissionsFor(role);
  expect([...publish.allow].sort()).toEqual([...expected[role].publish].sort());
  expect([...subscribe.allow].sort()).toEqual([...expected[role].subscribe].sort());
  expect(allowResponses).toEqual({ max: 1, expiresMs: 120_000 });
});

it('an operator asks and listens, and sends nothing to a service but discovery', () => {
  for (const subject of OPERATOR_PERMISSIONS.publish.allow) expect(subject).toMatch(/^\$SRV\.(PING|INFO|STATS)(\.>)?$/);
  expect(OPERATOR_PERMISSIONS.subscribe.allow).toEqual(['_INBOX.>', HEARTBEAT]);
  expect(OPERATOR_PERMISSIONS.allowResponses).toBeUndefined();
});
