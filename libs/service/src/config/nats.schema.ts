import { z } from 'zod';
import { serversOf } from '../nats/servers.js';
import { refuseBoth } from './either.js';
import { natsServers } from './fields.js';
import { readableFile } from './readable-file.js';

/** How a service finds nats-server and shows who it is; the names are those of the `nats` command. */
export const natsSchema = z.object({
  NATS_URL: natsServers().default('nats://127.0.0.1:4222').meta({
    description: 'nats-server, or several separated by commas; with tls:// nothing goes without TLS',
    secret: true,
  }),
  NATS_USER: z.string().optional().describe('user of this service at nats-server'),
  NATS_PASSWORD: z.string().optional().meta({ description: 'its password', secret: true }),
  NATS_PASSWORD_FILE: readableFile().optional().describe('file with its password, in place of NATS_PASSWORD'),
  NATS_CREDS: readableFile().optional().describe('file with a JWT and its key, in place of user and password'),
  NATS_CA: readableFile().optional().describe("CA of nats-server's certificate; with it nothing goes without TLS"),
  NATS_CERT: readableFile().optional().describe("this service's own certificate, where nats-server asks for one"),
  NATS_KEY: readableFile().optional().describe('its key'),
});
export type NatsConfig = z.output<typeof natsSchema>;

/** Variables that stand for the same. */
const EITHER = [
  ['NATS_PASSWORD', 'NATS_PASSWORD_FILE'],
  ['NATS_CREDS', 'NATS_USER'],
] as const satisfies readonly (readonly [keyof NatsConfig, keyof NatsConfig])[];

/** Variables that are nothing without another. */
const NEEDS = [
  ['NATS_PASSWORD', 'NATS_USER'],
  ['NATS_PASSWORD_FILE', 'NATS_USER'],
  ['NATS_CERT', 'NATS_KEY'],
  ['NATS_KEY', 'NATS_CERT'],
] as const satisfies readonly (readonly [keyof NatsConfig, keyof NatsConfig])[];

/** For `superRefine`: adds a fault for each pair of variables that does not fit together. */
export function checkNatsConfig(config: NatsConfig, context: z.RefinementCtx): void {
  const fault = (name: string, message: string): void => context.addIssue({ code: 'custom', path: [name], message });
  refuseBoth(config, context, EITHER);
  for (const [name, other] of NEEDS) {
    if (config[name] !== undefined && config[other] === undefined) fault(name, `expected ${other} as well`);
  }
  const hasOwn = config.NATS_USER !== undefined || config.NATS_CREDS !== undefined;
  if (hasOwn && serversOf(config.NATS_URL).user !== undefined) {
    fault('NATS_URL', 'expected no user in it beside NATS_USER or NATS_CREDS');
  }
  if (config.NATS_USER === undefined) return;
  if (config.NATS_PASSWORD === undefined && config.NATS_PASSWORD_FILE === undefined) {
    fault('NATS_USER', 'expected NATS_PASSWORD or NATS_PASSWORD_FILE as well');
  }
}
