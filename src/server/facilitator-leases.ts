import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import { Leases } from '../domain/leases.ts';
import type { Network } from '../domain/network.ts';
import { UNSETTLED } from '../domain/payment-state.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import { settledNetworks } from '../registry.ts';
import type { Books } from '../store/books.ts';
import { SECOND_LOOK_MS } from '../store/upkeep.ts';

/**
 * How long a facilitator that no plan names is kept in any case, in milliseconds: settled payments get a second look.
 */
const KEEP_MS = 2 * SECOND_LOOK_MS;
/** How often facilitators that no plan names are checked for need, in milliseconds. */
const LOOK_MS = 30_000;
/** Most open payments that are searched for one that needs a facilitator; with more, it is kept. */
const MOST_ROWS = 1000;
/** Most facilitators that are kept beside those of the plans: an endless series of reloads must not fill the memory. */
const MOST_KEPT = 16;

/** An open facilitator. */
interface Held {
  readonly spec: FacilitatorSpec;
  readonly facilitator: Facilitator;
  /** Unix milliseconds since when no runtime uses it. */
  idleSince: number;
  /** A number that grows with each plan that put it in force; `undefined` while it cannot have verified a payment. */
  inForce: number | undefined;
}

/** The parts that leases work with. */
export interface FacilitatorLeasesDeps {
  readonly open: (spec: FacilitatorSpec) => Facilitator;
  readonly books: Pick<Books, 'list'>;
  /** Called with a facilitator that does not close. */
  readonly trouble: (facilitator: Facilitator, fault: unknown) => void;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * The facilitators of this process, independent of the plan. A facilitator that a new plan does not name stays open as
 * long as a payment is open that it verified: only it may say what became of that payment.
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

  /** The settings of all open facilitators. */
  get specs(): readonly FacilitatorSpec[] {
    return this.#leases.open.map(({ settings }) => settings);
  }

  /** The open facilitators that came into force, the latest last. */
  get inForce(): readonly Facilitator[] {
    return this.#inForce.map(({ facilitator }) => facilitator);
  }

  /** The facilitator with these settings, which is opened if it is not open. */
  lease(spec: FacilitatorSpec): Facilitator {
    return this.#leases.lease(spec).facilitator;
  }

  /** Records that a plan with these facilitators came into force: they are the ones to ask from now on. */
  putInForce(specs: readonly FacilitatorSpec[]): void {
    for (const spec of specs) {
      const held = this.#leases.find(spec);
      if (held === undefined) continue;
      this.#timesInForce += 1;
      held.inForce = this.#timesInForce;
    }
  }

  /**
   * Returns what one call of {@link lease} took. A facilitator that was in force stays open, for its open payments,
   * until {@link sweep} finds none.
   */
  async release(spec: FacilitatorSpec): Promise<void> {
    await this.#leases.release(spec);
  }

  /**
   * The facilitator to ask about an open payment: among those with the name in its row, the latest that knows its
   * network. Changed credentials and URLs apply at once, to open payments too.
   */
  find(name: string, network: Network): Facilitator | undefined {
    return this.#find(name, network)?.facilitator;
  }

  /** Closes facilitators that are no longer needed. Cheap, and to be called often. */
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
    // Checked again: a plan may have taken one back meanwhile.
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
