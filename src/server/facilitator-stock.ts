import type { FacilitatorSpec } from '../domain/facilitator-spec.ts';
import type { Network } from '../domain/network.ts';
import { UNSETTLED } from '../domain/payment-state.ts';
import { settingsText } from '../domain/same-settings.ts';
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
interface Entry {
  readonly spec: FacilitatorSpec;
  readonly facilitator: Facilitator;
  /** Runtimes that use it. */
  users: number;
  /** Unix milliseconds since when nobody does. */
  idleSince: number;
  /** Whether it was in force, so that payments can have been verified by it. */
  inForce: boolean;
}

/** What the stock works with. */
export interface FacilitatorStockDeps {
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
export class FacilitatorStock {
  readonly #deps: FacilitatorStockDeps;
  /** By their settings, those that came into force last at the end. */
  readonly #entries = new Map<string, Entry>();
  #lookedAt = 0;

  constructor(deps: FacilitatorStockDeps) {
    this.#deps = deps;
  }

  /** The settings of all that are open. */
  get specs(): readonly FacilitatorSpec[] {
    return [...this.#entries.values()].map(({ spec }) => spec);
  }

  /** Those that are open and came into force. */
  get inForce(): readonly Facilitator[] {
    return [...this.#entries.values()].filter(({ inForce }) => inForce).map(({ facilitator }) => facilitator);
  }

  /** Takes the facilitator of these settings, and opens it where it is not open. */
  lease(spec: FacilitatorSpec): Facilitator {
    const id = settingsText(spec);
    const entry = this.#entries.get(id) ?? this.#openOne(spec);
    this.#entries.set(id, entry);
    entry.users += 1;
    return entry.facilitator;
  }

  /** Says that a plan with these facilitators came into force: from now on they are the ones to ask. */
  putInForce(specs: readonly FacilitatorSpec[]): void {
    for (const id of specs.map(settingsText)) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      entry.inForce = true;
      this.#entries.delete(id);
      this.#entries.set(id, entry);
    }
  }

  /**
   * Gives back what one call of {@link lease} took. One that was in force stays open, for the payments that it left
   * open, until {@link sweep} finds none.
   */
  async release(spec: FacilitatorSpec): Promise<void> {
    const entry = this.#entries.get(settingsText(spec));
    if (entry === undefined) throw new Error(`the facilitator ${spec.name} was never leased`);
    entry.users -= 1;
    if (entry.users > 0) return;
    entry.idleSince = this.#deps.clock();
    if (!entry.inForce) await this.#drop(entry);
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
    const kept = [...this.#entries.values()].filter(isUnused);
    for (const entry of kept.slice(0, Math.max(0, kept.length - MOST_KEPT))) await this.#drop(entry);
    const idle = kept.filter(({ idleSince }) => now - idleSince >= KEEP_MS);
    if (idle.length === 0 || now - this.#lookedAt < LOOK_MS) return;
    this.#lookedAt = now;
    const open = await this.#deps.books.list({ states: UNSETTLED }, undefined, MOST_ROWS);
    if (open.length === MOST_ROWS) return;
    const needed = new Set(open.map(({ facilitator, network }) => this.#find(facilitator, network)));
    // Looked at again: a plan may have brought one back meanwhile.
    for (const entry of idle) if (isUnused(entry) && !needed.has(entry)) await this.#drop(entry);
  }

  /** Closes all. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => this.#drop(entry)));
  }

  #openOne(spec: FacilitatorSpec): Entry {
    return { spec, facilitator: this.#deps.open(spec), users: 0, idleSince: 0, inForce: false };
  }

  #find(name: string, network: Network): Entry | undefined {
    const named = [...this.#entries.values()].filter(({ spec, inForce }) => inForce && spec.name === name);
    return named.findLast(({ spec }) => settledNetworks(spec)?.includes(network) ?? true) ?? named.at(-1);
  }

  async #drop(entry: Entry): Promise<void> {
    this.#entries.delete(settingsText(entry.spec));
    try {
      await entry.facilitator.close();
    } catch (fault) {
      this.#deps.trouble(entry.facilitator, fault);
    }
  }
}

function isUnused({ users }: Entry): boolean {
  return users === 0;
}
