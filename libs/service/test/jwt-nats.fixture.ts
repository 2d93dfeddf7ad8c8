import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

export interface JwtNats {
  readonly args: readonly string[];
  /** A user's credentials, and the same with a key that is not the user's. */
  readonly creds: string;
  readonly badCreds: string;
}

const base64 = (value: Uint8Array | object): string =>
  Buffer.from(value instanceof Uint8Array ? value : JSON.stringify(value)).toString('base64url');

/** NATS' own kind of JWT: https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt */
function sign(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { jti: 'test', iat, iss: issuer.getPublicKey(), name: 'test', sub: subject.getPublicKey() };
  const text = `${base64({ typ: 'JWT', alg: 'ed25519-nkey' })}.${base64({ ...claims, nats: { version: 2, ...nats } })}`;
  return `${text}.${base64(issuer.sign(Buffer.from(text)))}`;
}

/** Writes the configuration of a nats-server with one operator, account and user. */
export function jwtNats(folder: string): JwtNats {
  mkdirSync(folder);
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const accountLimits = { imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const limits = { subs: -1, data: -1, payload: -1 };
  const accountJwt = sign(operator, account, { type: 'account', limits: { ...limits, ...accountLimits } });
  const userJwt = sign(account, user, { type: 'user', ...limits });
  const config = join(folder, 'nats-server.conf');
  writeFileSync(
    config,
    `operator: ${sign(operator, operator, { type: 'operator' })}
resolver: MEMORY
resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }
`,
  );
  const credentials = (name: string, key: KeyPair): string => {
    const path = join(folder, name);
    writeFileSync(
      path,
      `-----BEGIN NATS USER JWT-----
${userJwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${Buffer.from(key.getSeed()).toString()}
------END USER NKEY SEED------
`,
    );
    return path;
  };
  return {
    args: ['--config', config],
    creds: credentials('user.creds', user),
    badCreds: credentials('bad.creds', nkeys.createUser()),
  };
}
