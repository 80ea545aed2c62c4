import dns, { type LookupAddress, type LookupAllOptions, type LookupOptions } from 'node:dns';

/** How long a lookup may take before the last known addresses are used, in milliseconds. */
const PATIENCE_MS = 1000;

/** The resolver was told that there is no such name. All other errors say that it could not ask. */
const NO_SUCH_NAME = 'ENOTFOUND';

/** The `lookup` of a connection's options. */
export type Lookup = (
  host: string,
  options: LookupOptions,
  done: (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** Gets the addresses of a name; none beside an error. */
type Waiter = (error: NodeJS.ErrnoException | null, addresses?: LookupAddress[]) => void;

/** Looks up all addresses of a name, as `dns.lookup` does. */
export type Resolve = (host: string, options: LookupAllOptions, done: Waiter) => void;

/** A lookup that is under way, and the calls that wait for it. */
interface Pending {
  readonly waiters: Set<Waiter>;
}

/**
 * Looks up names of hosts for connections.
 *
 * Node looks up names on two threads of a pool, and each lookup holds one until the resolver gives up, which takes it
 * ten seconds or more: two names that nobody answers for would stop all connections to other names. So all calls for one
 * name share one lookup. And a resolver that cannot be reached stops no connection to a host that was found before: its
 * last known addresses are used.
 */
export class NameLookup {
  readonly #resolve: Resolve;
  readonly #pending = new Map<string, Pending>();
  /** As many as there are hosts in configurations. */
  readonly #known = new Map<string, LookupAddress[]>();

  constructor(resolve: Resolve) {
    this.#resolve = resolve;
  }

  readonly lookup: Lookup = (host, options, callback) => {
    // Resolvers differ by these only.
    const key = JSON.stringify([host, options.family, options.hints, options.order]);
    this.#find(host, key, { ...options, all: true }, (error, addresses = []) => {
      const [first] = addresses;
      if (error !== null || options.all === true) callback(error, addresses);
      else callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };

  #find(host: string, key: string, options: LookupAllOptions, waiter: Waiter): void {
    const { waiters } = this.#pending.get(key) ?? this.#begin(host, key, options);
    const known = this.#known.get(key);
    if (known === undefined) {
      waiters.add(waiter);
      return;
    }
    const timer = setTimeout(() => {
      waiters.delete(patient);
      waiter(null, known);
    }, PATIENCE_MS);
    const patient: Waiter = (error, addresses) => {
      clearTimeout(timer);
      if (error !== null && error.code !== NO_SUCH_NAME) waiter(null, known);
      else waiter(error, addresses);
    };
    waiters.add(patient);
  }

  #begin(host: string, key: string, options: LookupAllOptions): Pending {
    const pending: Pending = { waiters: new Set() };
    this.#pending.set(key, pending);
    this.#resolve(host, options, (error, addresses) => {
      this.#pending.delete(key);
      if (addresses !== undefined) this.#known.set(key, addresses);
      for (const waiter of pending.waiters) waiter(error, addresses);
    });
    return pending;
  }
}

/** The lookup of this process, which has one pool of threads. */
export const PROCESS_LOOKUP = new NameLookup((host, options, done) => dns.lookup(host, options, done));
