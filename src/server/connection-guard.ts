import type { Socket } from 'node:net';
import { Counts } from '../domain/counts.ts';
import type { Plan } from '../domain/plan.ts';
import type { Runtime } from '../pipeline/runtime.ts';
import { addressGroup } from '../proxy/client-address.ts';
import { linger } from '../proxy/linger.ts';
import { connectionBound, mostOpenFiles } from './descriptor-room.ts';
import { rawAnswer } from './raw-answer.ts';

/**
 * Bounds the connections of this process: in all, so that file descriptors do not run out, and of each address, so that
 * one client cannot take them all. Trusted proxies carry many clients: only the first bound applies to them.
 */
export class ConnectionGuard {
  readonly #runtime: () => Pick<Runtime, 'plan' | 'trustedPeers'>;
  /** Connections by address. */
  readonly #byAddress = new Counts();
  readonly #mostFiles: number;
  #open = 0;
  /** By plan. Weak, because a plan is as large as its file and must not outlive its time. */
  readonly #bounds = new WeakMap<Plan, number>();

  constructor(runtime: () => Pick<Runtime, 'plan' | 'trustedPeers'>, mostFiles = mostOpenFiles()) {
    this.#runtime = runtime;
    this.#mostFiles = mostFiles;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#open;
  }

  /** Counts a connection from its beginning to its end. Above the bound it is cut, and the result is `false`. */
  count(socket: Socket): boolean {
    this.#open += 1;
    socket.once('close', () => {
      this.#open -= 1;
    });
    if (this.#open <= this.#boundOf(this.#runtime().plan)) return true;
    // An answer would keep the connection longer, and room is what is missing.
    socket.destroy();
    return false;
  }

  /**
   * Counts a connection of its address, once that is known. Above the bound it is refused, and the result is `false`.
   *
   * @param mayAnswer whether the client would understand an answer in plain HTTP
   */
  countOfAddress(socket: Socket, mayAnswer: boolean): boolean {
    const { plan, trustedPeers } = this.#runtime();
    const { connectionsPerAddress } = plan.limits;
    if (trustedPeers.has(socket.remoteAddress)) return true;
    const ofAddress = this.#count(addressGroup(socket.remoteAddress), socket);
    if (ofAddress <= connectionsPerAddress) return true;
    if (!mayAnswer || ofAddress > 2 * connectionsPerAddress) {
      socket.destroy();
      return false;
    }
    // Nothing on this connection is served.
    socket.on('error', () => socket.destroy());
    socket.end(rawAnswer('Service Unavailable', 'too_many_connections'));
    socket.resume();
    linger(socket);
    return false;
  }

  #boundOf(plan: Plan): number {
    const known = this.#bounds.get(plan);
    if (known !== undefined) return known;
    const bound = connectionBound(plan, this.#mostFiles);
    this.#bounds.set(plan, bound);
    return bound;
  }

  #count(address: string, socket: Socket): number {
    socket.once('close', () => this.#byAddress.add(address, -1));
    return this.#byAddress.add(address, 1);
  }
}
