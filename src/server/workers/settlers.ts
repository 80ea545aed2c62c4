import { createHash } from 'node:crypto';
import type { FacilitatorSpec } from '../../domain/facilitator-spec.ts';
import type { Plan } from '../../domain/plan.ts';
import { settingsText } from '../../domain/same-settings.ts';
import type { Facilitator } from '../../facilitator/facilitator.ts';
import { type FacilitatorOpener, type FacilitatorReports, settlesHere } from '../../registry.ts';

/**
 * The id of a facilitator that settles with a key of ours, for the processes of a gateway: its name and a digest of its
 * settings. During a reload, two facilitators of one name can be open.
 */
export function settlerId(spec: FacilitatorSpec): string {
  return `${spec.name} ${createHash('sha256').update(settingsText(spec)).digest('hex').slice(0, 32)}`;
}

/** The ids of the facilitators among these that settle with a key of ours. */
export function settlerIds(specs: readonly FacilitatorSpec[]): readonly string[] {
  return specs.filter(settlesHere).map(settlerId);
}

/**
 * The facilitators that send with a key of ours, opened in the primary alone. One that no plan names any more is closed
 * when no worker has it open.
 */
export class Settlers {
  readonly #opener: FacilitatorOpener;
  readonly #reports: FacilitatorReports;
  readonly #byId = new Map<string, Facilitator>();
  /** Ids that stay open, in use or not. */
  #wanted: ReadonlySet<string> = new Set();

  constructor(opener: FacilitatorOpener, reports: FacilitatorReports = {}) {
    this.#opener = opener;
    this.#reports = reports;
  }

  /** By their ids; changes as plans come and go. */
  get byId(): ReadonlyMap<string, Facilitator> {
    return this.#byId;
  }

  /** Opens the settlers of a plan beside the open ones. */
  async add(plan: Plan): Promise<void> {
    const specs = plan.facilitators.filter(settlesHere);
    await this.#opener.load(specs);
    for (const spec of specs) {
      const id = settlerId(spec);
      if (!this.#byId.has(id)) this.#byId.set(id, this.#opener.open(spec, this.#reports));
    }
    this.#wanted = new Set([...this.#wanted, ...settlerIds(plan.facilitators)]);
  }

  /** From now on, an unused settler stays open only if this plan names it. */
  keepOnly(plan: Plan): void {
    this.#wanted = new Set(settlerIds(plan.facilitators));
  }

  /**
   * Closes settlers that neither a plan nor a worker needs. Rejects with the first failure; the others close all the
   * same.
   */
  async sweep(inUse: ReadonlySet<string>): Promise<void> {
    await this.#close([...this.#byId.keys()].filter((id) => !this.#wanted.has(id) && !inUse.has(id)));
  }

  /** Closes all, once their settlements are finished. */
  async close(): Promise<void> {
    await this.#close([...this.#byId.keys()]);
  }

  async #close(ids: readonly string[]): Promise<void> {
    const closing = ids.map((id) => this.#byId.get(id));
    for (const id of ids) this.#byId.delete(id);
    await Promise.all(closing.map((settler) => settler?.close()));
  }
}
