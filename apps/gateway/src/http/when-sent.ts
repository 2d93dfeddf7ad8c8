import type { ServerResponse } from 'node:http';

/**
 * Calls when an answer that is written has left this process, or the client is gone; at once where there is more of it to
 * come. A client that reads slowly leaves it in Node's buffer, one that never reads until its connection is closed.
 */
export function whenSent(response: ServerResponse, then: () => void): void {
  // Without a connection it waits behind another answer, and nothing tells if that one's client goes.
  if (!response.writableEnded || response.writableFinished || response.destroyed || response.socket === null)
    return then();
  const sent = (): void => {
    response.off('finish', sent).off('close', sent);
    then();
  };
  response.once('finish', sent).once('close', sent);
}
