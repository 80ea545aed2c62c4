import { Counts } from '../domain/counts.ts';
import type { ServerHealth } from './server-health.ts';

/** Most calls of one client at an upstream, unless the configuration sets it or half of the connections are fewer. */
const MOST_OF_CLIENT = 128;

/** Less room than this is not divided: one buyer may need all that a small API has. */
const LEAST_SHARED = 64;
/** Divisors of the remaining room, once half of it is taken: for the share of one payer, and of one client. */
const SHARE_OF_PAYER = 8;
const SHARE_OF_CLIENT = 4;

/** The caller, as far as its room depends on it. */
export interface Caller {
  /** From `clientGroup`. */
  readonly client: string;
  /**
   * `paid`: its money has moved, or moves before the API works, or a pass opened it. `promised`: it moves only after the
   * API has answered, and not at all where the caller leaves. `tunnel`: it has a connection of its own, for as long as it
   * lasts.
   */
  readonly kind: 'free' | 'promised' | 'paid' | 'tunnel';
  /** The payer of a promised call. */
  readonly payer?: string;
}

/** A call's place at an upstream. */
export interface CallPlace {
  /** Releases the room. May be called again. */
  release(): void;
}

/** Which bound leaves no room for a call. */
export type NoRoom = 'client' | 'free' | 'promised' | 'all';

/** What bounds the calls to an upstream. */
export interface RoomTerms {
  /** Connections to each server. */
  readonly connections: number;
  /** How many of them free calls leave to others; promised calls leave half as many. */
  readonly paidConnections: number;
  readonly health: readonly ServerHealth[];
}

/**
 * Counts the calls that are at an upstream. A request holds one of its limited connections until the answer has been
 * read. Without bounds, a few clients on a free route, with slow uploads or silent event streams, would keep everybody
 * else out.
 *
 * No client holds more than its bound. Free calls leave a share to calls that a payment or a pass opened, and promised
 * calls leave a share to paid ones. A promised call costs nothing if its caller leaves before the answer. So in a room
 * for 64 promised calls or more, once half of it is taken, no payer gets more than an eighth of what is left and no
 * client more than a quarter: a few wallets and addresses cannot fill the room.
 *
 * A call without room is refused at once, before anything was claimed or charged for it. Each process counts for itself.
 */
export class CallRoom {
  readonly #terms: RoomTerms;
  /** Calls by client. */
  readonly #byClient = new Counts();
  /** Promised calls by payer and by client. */
  readonly #byPayer = new Counts();
  readonly #promisedBy = new Counts();
  readonly #byKind = { free: 0, promised: 0, paid: 0, tunnel: 0 };

  constructor(terms: RoomTerms) {
    this.#terms = terms;
  }

  /**
   * Takes a place for a call, or says which bound is reached.
   *
   * @param mostOfClient bound of one client; `undefined` for the default
   */
  take(caller: Caller, mostOfClient: number | undefined): CallPlace | NoRoom {
    const { client, kind } = caller;
    const servers = this.#usableServers();
    const capacity = this.#terms.connections * servers;
    const ofClient = this.#byClient.of(client);
    if (ofClient >= (mostOfClient ?? Math.min(MOST_OF_CLIENT, Math.ceil(capacity / 2)))) return 'client';
    const { free, promised, paid } = this.#byKind;
    if (kind !== 'tunnel' && free + promised + paid >= capacity) return 'all';
    if (kind === 'free' && free >= capacity - this.#terms.paidConnections * servers) return 'free';
    if (kind === 'promised' && !this.#hasRoomForPromise(caller, servers, mostOfClient)) return 'promised';
    this.#byClient.add(client, 1);
    this.#byKind[kind] += 1;
    if (kind === 'promised') this.#countPromise(caller, 1);
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#giveBack(caller);
      },
    };
  }

  /** An operator who sets the bound of one client knows the clients: then only payers share what is left. */
  #hasRoomForPromise({ client, payer = '' }: Caller, servers: number, mostOfClient: number | undefined): boolean {
    const { connections, paidConnections } = this.#terms;
    const room = (connections - Math.floor(paidConnections / 2)) * servers;
    const { free, promised } = this.#byKind;
    const left = room - free - promised;
    if (left <= 0) return false;
    if (promised * 2 < room || room < LEAST_SHARED) return true;
    const ofPayer = this.#byPayer.of(payer);
    const ofClient = mostOfClient === undefined ? this.#promisedBy.of(client) : 0;
    return ofPayer < Math.ceil(left / SHARE_OF_PAYER) && ofClient < Math.ceil(left / SHARE_OF_CLIENT);
  }

  #countPromise({ client, payer = '' }: Caller, by: 1 | -1): void {
    this.#byPayer.add(payer, by);
    this.#promisedBy.add(client, by);
  }

  #giveBack(caller: Caller): void {
    this.#byKind[caller.kind] -= 1;
    this.#byClient.add(caller.client, -1);
    if (caller.kind === 'promised') this.#countPromise(caller, -1);
  }

  /**
   * Servers that are left out take no calls: their connections do not count as room. Where all are left out, one is
   * tried.
   */
  #usableServers(): number {
    const { health } = this.#terms;
    if (health.length === 1) return 1;
    let usable = 0;
    for (const { isOut } of health) if (!isOut) usable += 1;
    return Math.max(1, usable);
  }
}
