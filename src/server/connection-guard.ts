import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Runtime } from '../pipeline/runtime.ts';
import { addressGroup } from '../proxy/client-address.ts';
import { linger } from '../proxy/linger.ts';
import { rawAnswer } from './raw-answer.ts';

/**
 * Bounds the connections of this process: in all, so that descriptors do not run out, and of each address, so that one
 * client cannot take them all. Trusted proxies carry many clients and are bounded by the first alone.
 */
export class ConnectionGuard {
  readonly #runtime: () => Pick<Runtime, 'plan' | 'trustedPeers'>;
  /** Connections by address; as large as there are connections. */
  readonly #byAddress = new Map<string, number>();
  readonly #refused = new WeakSet<Duplex>();
  #open = 0;

  constructor(runtime: () => Pick<Runtime, 'plan' | 'trustedPeers'>) {
    this.#runtime = runtime;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#open;
  }

  /** Whether this connection was refused: nothing that comes on it is served. */
  refuses(socket: Duplex): boolean {
    return this.#refused.has(socket);
  }

  /** Counts a connection from its beginning to its end, and refuses it where it is one too many. */
  admit(socket: Socket): void {
    const { plan, trustedPeers } = this.#runtime();
    const { connections, connectionsPerAddress } = plan.limits;
    const ofAddress = trustedPeers.has(socket.remoteAddress)
      ? 0
      : this.#count(addressGroup(socket.remoteAddress), socket);
    this.#open += 1;
    socket.once('close', () => {
      this.#open -= 1;
    });
    if (this.#open <= connections && ofAddress <= connectionsPerAddress) return;
    this.#refused.add(socket);
    // An answer keeps the connection a little longer: there is none where it is room that is short.
    if (this.#open > connections || ofAddress > 2 * connectionsPerAddress) {
      socket.destroy();
      return;
    }
    socket.end(rawAnswer('Service Unavailable', 'too_many_connections'));
    linger(socket);
  }

  #count(address: string, socket: Socket): number {
    const count = (this.#byAddress.get(address) ?? 0) + 1;
    this.#byAddress.set(address, count);
    socket.once('close', () => {
      const left = (this.#byAddress.get(address) ?? 1) - 1;
      if (left === 0) this.#byAddress.delete(address);
      else this.#byAddress.set(address, left);
    });
    return count;
  }
}
