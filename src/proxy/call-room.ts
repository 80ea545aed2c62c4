import type { ServerHealth } from './server-health.ts';

/** Most calls of one client at an upstream, where the configuration says nothing and half of the connections are not fewer. */
const MOST_OF_CLIENT = 128;

/** Who makes a call, as far as it matters for the room that it gets. */
export interface Caller {
  /** From `clientGroup`. */
  readonly client: string;
  /** `tunnel`: it has a connection of its own, for as long as it lasts. */
  readonly kind: 'free' | 'paid' | 'tunnel';
}

/** A call's place at an upstream. */
export interface CallPlace {
  /** Gives the place back. Doing so twice does no harm. */
  release(): void;
}

/** Which bound leaves no room for a call. */
export type NoRoom = 'client' | 'free' | 'all';

/** What bounds the calls to an upstream. */
export interface RoomTerms {
  /** Connections to each server. */
  readonly connections: number;
  /** How many of them free calls leave to paid ones. */
  readonly paidConnections: number;
  readonly health: readonly ServerHealth[];
}

/**
 * Counts the calls that are at an upstream. A request holds one of its connections until the answer has been read, and
 * there are only so many. Without bounds, a few clients that upload slowly, or that listen to silent event streams, on a
 * route that costs nothing would keep everybody else out.
 *
 * No client holds more than its bound, and free calls leave a share to those that a payment or a pass opened. A call
 * without room is refused at once, before anything was claimed or charged for it. Each process counts for itself.
 */
export class CallRoom {
  readonly #terms: RoomTerms;
  /** Calls by client; as large as there are calls. */
  readonly #byClient = new Map<string, number>();
  readonly #byKind = { free: 0, paid: 0, tunnel: 0 };

  constructor(terms: RoomTerms) {
    this.#terms = terms;
  }

  /**
   * Takes a place for a call, or says which bound is reached.
   *
   * @param mostOfClient bound of one client; `undefined` for the default
   */
  take({ client, kind }: Caller, mostOfClient: number | undefined): CallPlace | NoRoom {
    const servers = this.#usableServers();
    const capacity = this.#terms.connections * servers;
    const ofClient = this.#byClient.get(client) ?? 0;
    if (ofClient >= (mostOfClient ?? Math.min(MOST_OF_CLIENT, Math.ceil(capacity / 2)))) return 'client';
    const { free, paid } = this.#byKind;
    if (kind !== 'tunnel' && free + paid >= capacity) return 'all';
    if (kind === 'free' && free >= capacity - this.#terms.paidConnections * servers) return 'free';
    this.#byClient.set(client, ofClient + 1);
    this.#byKind[kind] += 1;
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#giveBack(client, kind);
      },
    };
  }

  #giveBack(client: string, kind: Caller['kind']): void {
    this.#byKind[kind] -= 1;
    const left = (this.#byClient.get(client) ?? 1) - 1;
    if (left === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, left);
  }

  /** Servers that are left out take no calls: their connections are no room. Where all are, one is tried. */
  #usableServers(): number {
    const { health } = this.#terms;
    if (health.length === 1) return 1;
    let usable = 0;
    for (const { isOut } of health) if (!isOut) usable += 1;
    return Math.max(1, usable);
  }
}
