import type { RemoteFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import type { Network } from '../../domain/network.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { AskedSettlement, OpenWitness, Witness } from './witness.ts';

/** The nodes that the configuration names for the networks of a facilitator. */
export class OwnWitnesses {
  readonly #witnesses: ReadonlyMap<Network, Witness>;
  readonly #patienceMs: number;

  /**
   * @param open needed where `spec.rpc` names a node
   * @param clock Unix milliseconds
   * @throws Error when it names one and there is nothing to read it with
   */
  constructor(spec: RemoteFacilitatorSpec, open: OpenWitness | undefined, clock: () => number) {
    this.#witnesses = openWitnesses(spec, open, clock);
    this.#patienceMs = spec.settleTimeoutMs;
  }

  /** The witness on the payment's network; `undefined` where the configuration names no node. */
  of(payment: Payment): Witness | undefined {
    return this.#witnesses.get(payment.offer.network);
  }

  /** What the facilitator said, checked as in {@link Witness}; unchanged where there is no node. */
  async confirm(
    payment: Payment,
    said: SettlementOutcome,
    asked: Omit<AskedSettlement, 'patienceMs'>,
  ): Promise<SettlementOutcome> {
    const witness = this.of(payment);
    if (witness === undefined) return said;
    return await witness.confirm(payment, said, { ...asked, patienceMs: this.#patienceMs });
  }
}

function openWitnesses(
  { name, rpc, proxies }: RemoteFacilitatorSpec,
  open: OpenWitness | undefined,
  clock: () => number,
): ReadonlyMap<Network, Witness> {
  return new Map(
    [...rpc].map(([network, url]) => {
      if (open === undefined) throw new Error(`nothing was loaded to read the nodes of the facilitator ${name} with`);
      return [network, open(network, url, clock, proxies?.get(url))];
    }),
  );
}
