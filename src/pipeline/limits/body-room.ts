import type { BodyHold } from '../../proxy/request-body.ts';

/** One client gets at most this part of the room: a few that send slowly must not keep everybody else out. */
const SHARE_OF_CLIENT = 1 / 4;

/**
 * Longest body of a request, in bytes, that finds room beside what replaces it: half of what one client gets.
 *
 * @param mostBytes the whole room
 */
export function longestReplaceable(mostBytes: number): number {
  return Math.floor((mostBytes * SHARE_OF_CLIENT) / 2);
}

/** Bounds the memory for bodies that are read before they are sent, over all requests of this process. */
export class BodyRoom {
  readonly #ofClient = new Map<string, number>();
  #held = 0;

  /**
   * Begins to hold a body.
   *
   * @param mostBytes the whole room
   * @param client whom it counts for, from `clientGroup`
   */
  hold(mostBytes: number, client: string): BodyHold {
    let own = 0;
    let over = false;
    return {
      take: (bytes) => {
        const ofClient = (this.#ofClient.get(client) ?? 0) + bytes;
        if (over || this.#held + bytes > mostBytes || ofClient > mostBytes * SHARE_OF_CLIENT) return false;
        this.#ofClient.set(client, ofClient);
        this.#held += bytes;
        own += bytes;
        return true;
      },
      release: () => {
        over = true;
        const left = (this.#ofClient.get(client) ?? 0) - own;
        if (left > 0) this.#ofClient.set(client, left);
        else this.#ofClient.delete(client);
        this.#held -= own;
        own = 0;
      },
    };
  }

  /** Bytes that are held now. */
  get held(): number {
    return this.#held;
  }
}
