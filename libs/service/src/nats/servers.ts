import type { ConnectionOptions } from '@nats-io/transport-node';

const USER_INFO = /^(\w+:\/\/)?([^@/]+)@/;

/**
 * The servers of a `NATS_URL`. nats.js does not look at the user and password in an address, so they are taken out here;
 * those of the first address that has some count for all.
 */
export function serversOf(natsUrl: string): Pick<ConnectionOptions, 'servers' | 'user' | 'pass'> {
  const addresses = natsUrl.split(',').map((address) => address.trim());
  const servers = addresses.map((address) => address.replace(USER_INFO, '$1'));
  const userInfo = addresses.map((address) => USER_INFO.exec(address)?.[2]).find((found) => found !== undefined);
  if (userInfo === undefined) return { servers };
  const [user = '', ...pass] = userInfo.split(':');
  return { servers, user: decodeURIComponent(user), pass: decodeURIComponent(pass.join(':')) };
}

/** For logs and health: without user and password. */
export function serversForPeople(natsUrl: string): string {
  return (serversOf(natsUrl).servers as string[]).join(', ');
}
