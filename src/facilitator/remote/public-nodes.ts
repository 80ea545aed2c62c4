import { setTimeout as wait } from 'node:timers/promises';
import type { RemoteFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import type { Network } from '../../domain/network.ts';
import type { DoubtfulSettlement, NewestBlock, OpenWitness, Sight, Witness } from './witness.ts';

/** Loads the reader of a network's chain when it is first needed: most gateways never have a settlement in doubt. */
export type LoadWitness = (network: Network) => Promise<OpenWitness>;

/** The public nodes, and how to reach them. */
export type PublicNodesSpec = Pick<RemoteFacilitatorSpec, 'publicNodes' | 'proxies'>;

/**
 * Public nodes of known networks, for settlements in doubt where the configuration names no node. No request waits for
 * such a node unless its settlement is in doubt: else only recovery asks, one look after the other at a bounded pace. A node that cannot be asked is no fault
 * of the facilitator and counts as absent.
 */
export class PublicNodes {
  readonly #spec: PublicNodesSpec;
  readonly #load: LoadWitness;
  readonly #clock: () => number;
  readonly #witnesses = new Map<Network, Promise<Witness>>();
  readonly #nextAt = new Map<Network, number>();

  /** @param clock Unix milliseconds */
  constructor(spec: PublicNodesSpec, load: LoadWitness, clock: () => number) {
    this.#spec = spec;
    this.#load = load;
    this.#clock = clock;
  }

  /** What a public node shows of an open settlement; `undefined` where there is none, or none that answers. */
  async look(open: DoubtfulSettlement, signal: AbortSignal): Promise<Sight | undefined> {
    try {
      return await (await this.#next(open.payment.offer.network, signal))?.resolve(open, signal);
    } catch (fault) {
      if (signal.aborted) throw fault;
      return undefined;
    }
  }

  /** The newest block of a network, for a settlement that is in doubt already; `undefined` where no node answers. */
  async newest(network: Network, signal: AbortSignal): Promise<NewestBlock | undefined> {
    try {
      return await (await this.#next(network, signal))?.newest?.(signal);
    } catch {
      return undefined;
    }
  }

  /** The node of a network when its turn has come; `undefined` where there is none. */
  async #next(network: Network, signal: AbortSignal): Promise<Witness | undefined> {
    const url = this.#spec.publicNodes?.get(network);
    if (url === undefined) return undefined;
    const witness = await this.#witness(network, url);
    await this.#turn(network, witness.paceMs, signal);
    return witness;
  }

  async #turn(network: Network, paceMs: number, signal: AbortSignal): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, this.#nextAt.get(network) ?? 0);
    this.#nextAt.set(network, at + paceMs);
    // The timer keeps the process alive: at the start nothing else may do so, and it must not end during a look.
    if (at > now) await wait(at - now, undefined, { signal });
  }

  #witness(network: Network, url: string): Promise<Witness> {
    const known = this.#witnesses.get(network);
    if (known !== undefined) return known;
    const opening = this.#load(network).then((open) => open(network, url, this.#clock, this.#spec.proxies?.get(url)));
    this.#witnesses.set(network, opening);
    // Loaded again with the next look: otherwise one failure would leave all later settlements in doubt without a node.
    opening.catch(() => this.#witnesses.delete(network));
    return opening;
  }
}
