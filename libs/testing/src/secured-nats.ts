import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INFRA = fileURLToPath(new URL('../../../infra/nats/', import.meta.url));
const TLS_FOLDER = '/etc/nats/tls';

export type SecuredUser = 'gateway' | 'tokenizer' | 'prefill' | 'decode' | 'operator';
const USERS: readonly SecuredUser[] = ['gateway', 'tokenizer', 'prefill', 'decode', 'operator'];

export interface SecuredNatsOptions {
  readonly tls?: boolean;
  /** With TLS: whether clients need a certificate, too. */
  readonly verify?: boolean;
}

/** How nats-server starts with the configuration of `infra/nats`. */
export interface SecuredNats {
  readonly args: readonly string[];
  /** With a new password for each user. */
  readonly environment: NodeJS.ProcessEnv;
  readonly passwords: Readonly<Record<SecuredUser, string>>;
  /** Has ca.crt, tls.crt and tls.key, where there is TLS. */
  readonly tlsFolder: string;
}

/**
 * Copies `infra/nats` to a folder; only where certificates are is changed, and the monitoring port, which is any free one.
 *
 * @param base environment that nats-server's is added to
 */
export function securedNats(
  folder: string,
  base: NodeJS.ProcessEnv,
  { tls = false, verify = false }: SecuredNatsOptions = {},
): SecuredNats {
  cpSync(INFRA, folder, { recursive: true });
  const tlsFolder = join(folder, 'tls');
  const file = join(folder, tls ? 'nats-server-tls.conf' : 'nats-server.conf');
  if (tls) {
    makeCertificates(tlsFolder);
    const text = readFileSync(file, 'utf8').replaceAll(TLS_FOLDER, tlsFolder);
    writeFileSync(file, verify ? text.replace('verify: false', 'verify: true') : text);
  }
  const passwords = Object.fromEntries(USERS.map((user) => [user, `p${randomBytes(12).toString('hex')}`]));
  const variables = USERS.map((user) => [`${user.toUpperCase()}_PASSWORD`, passwords[user]]);
  return {
    args: ['--config', file, '--http_port', '-1'],
    environment: { ...base, ...Object.fromEntries(variables) },
    passwords: passwords as Record<SecuredUser, string>,
    tlsFolder,
  };
}

/** Runs `infra/nats/make-certificates`. @param names those of the server; by default the script's */
export function makeCertificates(folder: string, names: readonly string[] = []): void {
  execFileSync(join(INFRA, 'make-certificates'), [folder, ...names]);
}
