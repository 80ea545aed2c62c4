import type { Amount } from '../domain/amount.ts';
import type { CatalogueAnswer } from '../domain/discovery.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Network } from '../domain/network.ts';
import type { Payment } from '../domain/payment.ts';
import type { SettlementOutcome } from '../domain/settlement.ts';
import type { SettlerReading } from '../domain/settler-funds.ts';
import type { SupportedKind } from '../domain/x402.ts';
import type {
  AskingOrder,
  Facilitator,
  ForeignTransfer,
  Journal,
  OpenSettlement,
  Verification,
} from '../facilitator/facilitator.ts';
import type { FacilitatorOperation, Observer } from '../observe/observer.ts';

/** A facilitator whose calls are observed: the call, its result and its time. */
export function observeFacilitator(inner: Facilitator, observer: Pick<Observer, 'facilitatorCalled'>): Facilitator {
  return new ObservedFacilitator(inner, observer);
}

class ObservedFacilitator implements Facilitator {
  readonly name: string;
  readonly #inner: Facilitator;
  readonly #observer: Pick<Observer, 'facilitatorCalled'>;

  constructor(inner: Facilitator, observer: Pick<Observer, 'facilitatorCalled'>) {
    this.name = inner.name;
    this.#inner = inner;
    this.#observer = observer;
  }

  get resting(): string | undefined {
    return this.#inner.resting;
  }

  supported(signal: AbortSignal): Promise<readonly SupportedKind[]> {
    return this.#note('supported', undefined, this.#inner.supported(signal), () => 'answered');
  }

  verify(payment: Payment, signal: AbortSignal): Promise<Verification> {
    return this.#note('verify', payment.offer.network, this.#inner.verify(payment, signal), ({ kind }) => kind);
  }

  takeUnverified(payment: Payment): boolean {
    return this.#inner.takeUnverified?.(payment) === true;
  }

  settle(payment: Payment, amount: Amount, journal: Journal, asking?: AskingOrder): Promise<SettlementOutcome> {
    const settling = this.#inner.settle(payment, amount, journal, asking);
    return this.#note('settle', payment.offer.network, settling, ({ kind }) => kind);
  }

  resolve(open: OpenSettlement, signal: AbortSignal): Promise<SettlementOutcome> {
    const { network } = open.payment.offer;
    return this.#note('resolve', network, this.#inner.resolve(open, signal), ({ kind }) => kind);
  }

  async findForeign(payment: Payment, signal: AbortSignal): Promise<ForeignTransfer> {
    const found = this.#inner.findForeign?.(payment, signal);
    if (found === undefined) return { kind: 'unseen' };
    return await this.#note('resolve', payment.offer.network, found, ({ kind }) => kind);
  }

  catalogued(payment: Payment): CatalogueAnswer | undefined {
    return this.#inner.catalogued?.(payment);
  }

  async funds(): Promise<readonly SettlerReading[]> {
    return (await this.#inner.funds?.()) ?? [];
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #note<T>(
    operation: FacilitatorOperation,
    network: Network | undefined,
    answer: Promise<T>,
    outcomeOf: (answer: T) => string,
  ): Promise<T> {
    const startedAt = performance.now();
    const note = (outcome: string): void => {
      const durationMs = performance.now() - startedAt;
      this.#observer.facilitatorCalled({ facilitator: this.name, operation, outcome, network, durationMs });
    };
    try {
      const given = await answer;
      note(outcomeOf(given));
      return given;
    } catch (fault) {
      note(fault instanceof GatewayError ? fault.code : 'error');
      throw fault;
    }
  }
}
