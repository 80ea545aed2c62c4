import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import { Leases } from '../domain/leases.ts';
import type { Network } from '../domain/network.ts';
import { UNSETTLED } from '../domain/payment-state.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import { settledNetworks } from '../registry.ts';
import type { Books } from '../store/books.ts';
import { SECOND_LOOK_MS } from '../store/upkeep.ts';

/** How long one that no plan names is kept in any case, in milliseconds: settled payments get a second look. */
const KEEP_MS = 2 * SECOND_LOOK_MS;
/** How often it is looked whether those that no plan names are still needed, in milliseconds. */
const LOOK_MS = 30_000;
/** Most open payments that are looked through for one that needs it; where there are more, it is kept. */
const MOST_ROWS = 1000;
/** Most facilitators that are kept beside those of the plans: an endless row of changes must not fill the memory. */
const MOST_KEPT = 16;

/** One that is open. */
interface Held {
  readonly spec: FacilitatorSpec;
  readonly facilitator: Facilitator;
  /** Unix milliseconds since when no runtime uses it. */
  idleSince: number;
  /** When it came into force last, as a number that grows; `undefined` while no payment can have been verified by it. */
  inForce: number | undefined;
}

/** What the leases work with. */
export interface FacilitatorLeasesDeps {
  readonly open: (spec: FacilitatorSpec) => Facilitator;
  readonly books: Pick<Books, 'list'>;
  /** Is told of one that does not close. */
  readonly trouble: (facilitator: Facilitator, fault: unknown) => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * The facilitators of this process, whatever the plan. One that a new plan does not name stays open for as long as a
 * payment is open that it verified: nobody else may say what became of it.
 */
export class FacilitatorLeases {
  readonly #deps: FacilitatorLeasesDeps;
  readonly #leases: Leases<FacilitatorSpec, Held>;
  #timesInForce = 0;
  #lookedAt = 0;

  constructor(deps: FacilitatorLeasesDeps) {
    this.#deps = deps;
    this.#leases = new Leases<FacilitatorSpec, Held>({
      open: (spec) => ({ spec, facilitator: deps.open(spec), idleSince: 0, inForce: undefined }),
      unused: async (_, held) => {
        held.idleSince = deps.clock();
        if (held.inForce === undefined) await this.#drop(held);
      },
    });
  }

  /** The settings of all that are open. */
  get specs(): readonly FacilitatorSpec[] {
    return this.#leases.open.map(({ settings }) => settings);
  }

  /** Those that are open and came into force, the last at the end. */
  get inForce(): readonly Facilitator[] {
    return this.#inForce.map(({ facilitator }) => facilitator);
  }

  /** Takes the facilitator of these settings, and opens it where it is not open. */
  lease(spec: FacilitatorSpec): Facilitator {
    return this.#leases.lease(spec).facilitator;
  }

  /** Says that a plan with these facilitators came into force: from now on they are the ones to ask. */
  putInForce(specs: readonly FacilitatorSpec[]): void {
    for (const spec of specs) {
      const held = this.#leases.find(spec);
      if (held === undefined) continue;
      this.#timesInForce += 1;
      held.inForce = this.#timesInForce;
    }
  }

  /**
   * Gives back what one call of {@link lease} took. One that was in force stays open, for the payments that it left
   * open, until {@link sweep} finds none.
   */
  async release(spec: FacilitatorSpec): Promise<void> {
    await this.#leases.release(spec);
  }

  /**
   * Who is to be asked about an open payment: of those with the name that was written down with it, the one that came
   * last and knows its network. Changed credentials and URLs count at once, for open payments too.
   */
  find(name: string, network: Network): Facilitator | undefined {
    return this.#find(name, network)?.facilitator;
  }

  /** Closes those that are needed no more. Does nothing most of the time: to be called often. */
  async sweep(): Promise<void> {
    const now = this.#deps.clock();
    const kept = this.#unused;
    for (const held of kept.slice(0, Math.max(0, kept.length - MOST_KEPT))) await this.#drop(held);
    const idle = kept.filter(({ idleSince }) => now - idleSince >= KEEP_MS);
    if (idle.length === 0 || now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const open = await this.#deps.books.list({ states: UNSETTLED }, undefined, MOST_ROWS);
    if (open.length === MOST_ROWS) return;
    const needed = new Set(open.map(({ facilitator, network }) => this.#find(facilitator, network)));
    // Looked at again: a plan may have brought one back meanwhile.
    const unused = new Set(this.#unused);
    for (const held of idle) if (unused.has(held) && !needed.has(held)) await this.#drop(held);
  }

  /** Closes all. */
  async close(): Promise<void> {
    await Promise.all(this.#leases.open.map(({ thing }) => this.#drop(thing)));
  }

  /** Those that no runtime uses, in the order in which they came into force. */
  get #unused(): readonly Held[] {
    const unused = this.#leases.open.filter(({ users }) => users === 0);
    return unused.map(({ thing }) => thing).sort(byTimeInForce);
  }

  get #inForce(): readonly Held[] {
    const held = this.#leases.open.map(({ thing }) => thing);
    return held.filter(({ inForce }) => inForce !== undefined).sort(byTimeInForce);
  }

  #find(name: string, network: Network): Held | undefined {
    const named = this.#inForce.filter(({ spec }) => spec.name === name);
    return named.findLast(({ spec }) => settledNetworks(spec)?.includes(network) ?? true) ?? named.at(-1);
  }

  async #drop({ spec, facilitator }: Held): Promise<void> {
    this.#leases.end(spec);
    try {
      await facilitator.close();
    } catch (fault) {
      this.#deps.trouble(facilitator, fault);
    }
  }
}

function byTimeInForce(one: Held, other: Held): number {
  return (one.inForce ?? 0) - (other.inForce ?? 0);
}
