import type { ServerResponse } from 'node:http';

/**
 * Calls when an answer that is written has left this process, or the client is gone; at once where there is more of it to
 * come. A client that reads slowly leaves it in Node's buffer, one that never reads until its connection is closed.
 *
 * @param then told whether nothing of it was lost
 */
export function whenSent(response: ServerResponse, then: (isSent: boolean) => void): void {
  const { socket } = response;
  // Without a connection it waits behind another answer, and nothing tells if that one's client goes.
  if (!response.writableEnded || response.writableFinished || response.destroyed || socket === null)
    return then(!response.destroyed);
  const over = (): void => {
    response.off('finish', over).off('close', over);
    // 'finish' comes as well when a connection takes with it what it had not sent.
    then(!socket.destroyed);
  };
  response.once('finish', over).once('close', over);
}
