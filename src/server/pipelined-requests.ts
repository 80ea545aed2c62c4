import type { IncomingMessage, ServerResponse as Response } from 'node:http';
import type { Socket } from 'node:net';
import { ServerResponse } from '../engine/node-http.ts';
import { linger } from '../proxy/linger.ts';

/** Most requests on one connection that wait behind the one being answered. */
const MOST_WAITING = 32;

/** What waits on a connection behind the answer under way. */
interface Queue {
  /** Answers without a connection yet, in their order. */
  readonly waiting: Response[];
  /** Set when nothing more is served after the answers that were under way. */
  isEnding: boolean;
}

/**
 * Serves the requests of one connection one after another. Node emits every request that it has read, while only the
 * first can be answered: a single packet could start a thousand upstream calls, or payments, at once.
 */
export class PipelinedRequests {
  readonly #queues = new WeakMap<Socket, Queue>();

  /**
   * Calls `serve` when the answers before this request's are out, or never when the connection ends first. With too many
   * waiting requests the connection ends after their answers.
   */
  inTurn(req: IncomingMessage, res: Response, serve: () => void): void {
    const { socket } = req;
    const queue = this.#queueOf(socket);
    if (queue.waiting.length === MOST_WAITING) this.endAfterAnswers(socket);
    if (queue.isEnding) {
      req.resume();
      return;
    }
    queue.waiting.push(res);
    res.once('socket', () => {
      queue.waiting.shift();
      // An unfinished request before which the connection was to end: its body cannot be read.
      if (queue.isEnding && !req.complete) socket.destroySoon();
      else serve();
    });
  }

  /**
   * Ends the connection after the answers to the whole requests that were read: those may have been paid for (RFC 9112
   * §9.6). What still arrives is dropped, unread. Returns `false`, and does nothing, where there is no such answer.
   */
  endAfterAnswers(socket: Socket): boolean {
    const queue = this.#queueOf(socket);
    if (queue.isEnding) return true;
    const last = [answerOn(socket), ...queue.waiting].findLast((res) => res?.req.complete === true);
    if (last === undefined) return false;
    queue.isEnding = true;
    last.shouldKeepAlive = false;
    // Instead of Node's reader: each request that it reads takes memory until the connection ends.
    socket.removeAllListeners('data');
    socket.on('data', drop);
    // Node would close both halves: with unread bytes, that resets the connection, and the answer is lost.
    socket.destroySoon = () => {
      if (socket.writableEnded) return;
      socket.end();
      linger(socket);
    };
    // Where its head has promised another one, Node would go on.
    last.once('finish', () => socket.destroySoon());
    return true;
  }

  #queueOf(socket: Socket): Queue {
    const known = this.#queues.get(socket);
    if (known !== undefined) return known;
    const queue: Queue = { waiting: [], isEnding: false };
    this.#queues.set(socket, queue);
    return queue;
  }
}

/** The answer under way. Node keeps it on its socket, the only place that knows it. */
export function answerOn(socket: object): Response | undefined {
  return '_httpMessage' in socket && socket._httpMessage instanceof ServerResponse ? socket._httpMessage : undefined;
}

function drop(): void {}
