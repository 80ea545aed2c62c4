import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Most requests on one connection that wait behind the one being answered. */
const MOST_WAITING = 32;

/**
 * Serves the requests of one connection one after another. Node emits every request that it has read, while only the
 * first can be answered: a single packet could start a thousand upstream calls, or payments, at once.
 */
export class PipelinedRequests {
  readonly #waiting = new WeakMap<Socket, number>();

  /**
   * Calls `serve` when the answers before this request's are out, or never when the connection ends first. A connection
   * with too many waiting requests is cut.
   */
  inTurn(req: IncomingMessage, res: ServerResponse, serve: () => void): void {
    const { socket } = req;
    const waiting = this.#waiting.get(socket) ?? 0;
    if (waiting === MOST_WAITING) {
      socket.destroy();
      return;
    }
    this.#waiting.set(socket, waiting + 1);
    res.once('socket', () => {
      this.#waiting.set(socket, (this.#waiting.get(socket) ?? 1) - 1);
      serve();
    });
  }
}
