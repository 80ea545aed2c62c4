import { Counts } from '../../domain/counts.ts';
import type { BodyHold } from '../../proxy/request-body.ts';

/** The largest share of the room for one client: a few slow senders must not keep everybody else out. */
const SHARE_OF_CLIENT = 1 / 4;

/**
 * Longest body of a request, in bytes, that fits beside its replacement: half of one client's share.
 *
 * @param mostBytes the whole room
 */
export function longestReplaceable(mostBytes: number): number {
  return Math.floor((mostBytes * SHARE_OF_CLIENT) / 2);
}

/** Bounds the memory for bodies that are read before they are sent, over all requests of this process. */
export class BodyRoom {
  readonly #ofClient = new Counts();
  #held = 0;

  /**
   * Begins to hold a body.
   *
   * @param mostBytes the whole room
   * @param client the client that it counts for, from `clientGroup`
   */
  hold(mostBytes: number, client: string): BodyHold {
    return new Hold(this, mostBytes, client);
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }

  /** Takes this many bytes more for a client, if neither the room nor the client's share is used up. */
  take(bytes: number, mostBytes: number, client: string): boolean {
    if (this.#held + bytes > mostBytes) return false;
    if (this.#ofClient.add(client, bytes) > mostBytes * SHARE_OF_CLIENT) {
      this.#ofClient.add(client, -bytes);
      return false;
    }
    this.#held += bytes;
    return true;
  }

  /** Releases bytes of a client. */
  giveBack(bytes: number, client: string): void {
    this.#ofClient.add(client, -bytes);
    this.#held -= bytes;
  }
}

class Hold implements BodyHold {
  readonly #room: BodyRoom;
  readonly #mostBytes: number;
  readonly #client: string;
  #own = 0;
  #over = false;

  constructor(room: BodyRoom, mostBytes: number, client: string) {
    this.#room = room;
    this.#mostBytes = mostBytes;
    this.#client = client;
  }

  take(bytes: number): boolean {
    if (this.#over || !this.#room.take(bytes, this.#mostBytes, this.#client)) return false;
    this.#own += bytes;
    return true;
  }

  readonly release = (): void => {
    this.#over = true;
    this.#room.giveBack(this.#own, this.#client);
    this.#own = 0;
  };
}
