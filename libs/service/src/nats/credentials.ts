import { credsAuthenticator, usernamePasswordAuthenticator, type ConnectionOptions } from '@nats-io/transport-node';
import type { NatsConfig } from '../config/nats.schema.js';
import { freshSecret } from '../config/readable-file.js';

/** Who a service is for nats-server. Files are read again for each connection, so that they may be renewed. */
export function credentialsOf(config: NatsConfig): Pick<ConnectionOptions, 'authenticator'> {
  const { NATS_USER: user, NATS_PASSWORD, NATS_PASSWORD_FILE: passwordFile, NATS_CREDS: credsFile } = config;
  if (credsFile !== undefined) {
    const read = freshSecret(credsFile);
    return { authenticator: credsAuthenticator(() => Buffer.from(`${read()}\n`)) };
  }
  if (user === undefined) return {};
  const password = passwordFile === undefined ? NATS_PASSWORD : freshSecret(passwordFile);
  return { authenticator: usernamePasswordAuthenticator(user, password) };
}

/**
 * What a connection's TLS needs. Without any of it TLS is used where nats-server asks for it, with the CAs that Node knows; with
 * it, or with an address of `tls://`, a nats-server that does not speak TLS is refused.
 */
export function tlsOf({ NATS_URL, NATS_CA, NATS_CERT, NATS_KEY }: NatsConfig): Pick<ConnectionOptions, 'tls'> {
  const isWanted = /(^|,)\s*tls:\/\//i.test(NATS_URL);
  if (!isWanted && NATS_CA === undefined && NATS_CERT === undefined) return {};
  return {
    tls: {
      ...(NATS_CA === undefined ? {} : { caFile: NATS_CA }),
      ...(NATS_CERT === undefined ? {} : { certFile: NATS_CERT }),
      ...(NATS_KEY === undefined ? {} : { keyFile: NATS_KEY }),
    },
  };
}
