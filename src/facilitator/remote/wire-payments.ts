import type { Amount } from '../../domain/amount.ts';
import type { CatalogueAnswer } from '../../domain/discovery.ts';
import { networkFamily } from '../../domain/network.ts';
import type { NetworkFamilies } from '../../domain/network-family.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SettlementOutcome } from '../../domain/settlement.ts';
import type { Json, SupportedKind } from '../../domain/x402.ts';
import type { Verification } from '../facilitator.ts';
import { expectationOf } from './answer-fields.ts';
import type { Exchange } from './exchange.ts';
import { readCatalogueAnswer } from './extension-responses.ts';
import { protocolAnswer } from './facilitator-calls.ts';
import { namedTransaction } from './named-transaction.ts';
import { loggedReason, relayedReason } from './refusal-reasons.ts';
import { readSettleAnswer, unbelieved } from './settle-answer.ts';
import { readSupportedAnswer } from './supported-answer.ts';
import { readVerifyAnswer } from './verify-answer.ts';
import { readWireJson, repeatsMember } from './wire-json.ts';
import { wireRequest, wireVersion } from './wire-request.ts';

/** A payment in its wire form, which is fixed at the first use. */
export interface Prepared {
  readonly version: 1 | 2;
  readonly body: string;
}

/** Payments as one facilitator is sent them, and what its answers say of them. Asks nobody. */
export class WirePayments {
  readonly #families: NetworkFamilies;
  readonly #onStrangeReason: (operation: 'verify' | 'settle', text: string) => void;
  /** Some facilitators recognise a payment by its JSON, so `settle` sends the bytes that `verify` sent. */
  readonly #prepared = new WeakMap<Payment, Prepared>();
  readonly #catalogued = new WeakMap<Payment, CatalogueAnswer>();
  /** The last good `/supported`. */
  #kinds: readonly SupportedKind[] | undefined;

  /** @param onStrangeReason called with the facilitator's text that no buyer may read */
  constructor(families: NetworkFamilies, onStrangeReason: (operation: 'verify' | 'settle', text: string) => void) {
    this.#families = families;
    this.#onStrangeReason = onStrangeReason;
  }

  /** Whether it is known what the facilitator supports, on which the form of a v1 payment depends. */
  get knowsKinds(): boolean {
    return this.#kinds !== undefined;
  }

  /** Reads an answer to `/supported`. @throws GatewayError `facilitator_invalid_answer` */
  readSupported(body: Uint8Array): readonly SupportedKind[] {
    this.#kinds = readSupportedAnswer(readWireJson(body));
    return this.#kinds;
  }

  /** The request to verify or settle a payment. */
  prepare(payment: Payment, amount: Amount): Prepared {
    const known = this.#prepared.get(payment);
    if (known !== undefined && amount === payment.offer.amount) return known;
    const version = known?.version ?? wireVersion(payment, this.#kinds ?? []);
    const prepared = { version, body: JSON.stringify(wireRequest(payment, amount, version)) };
    if (amount === payment.offer.amount) this.#prepared.set(payment, prepared);
    return prepared;
  }

  /** What an answer to `/verify` says; `undefined` for one that does not speak the protocol. */
  readVerification(answer: Exchange, payment: Payment): Verification | undefined {
    this.noteCatalogue(payment, answer);
    const json = protocolAnswer(answer, 'isValid');
    if (json === undefined) return undefined;
    this.#noteReason('verify', json['invalidReason'], json['invalidMessage']);
    return readVerifyAnswer(json, expectationOf(payment, payment.offer.amount, this.#families));
  }

  /** What an answer to `/settle` says; `undefined` for one that does not speak the protocol. */
  readSettlement(
    answer: Exchange,
    payment: Payment,
    amount: Amount,
    { body }: Pick<Prepared, 'body'>,
  ): SettlementOutcome | undefined {
    const json = protocolAnswer(answer, 'success');
    if (json === undefined || answer.kind === 'broken') return undefined;
    this.#noteReason('settle', json['errorReason'], json['errorMessage']);
    if (repeatsMember(answer.body)) return unbelieved(this.named(answer, payment, body));
    const said = readSettleAnswer(json, expectationOf(payment, amount, this.#families), answer.status);
    const named = said.kind === 'failed' ? this.named(answer, payment, body) : undefined;
    return named === undefined ? said : unbelieved(named);
  }

  /** The transaction that an answer names, wherever it does; see {@link namedTransaction}. */
  named(answer: Exchange, { offer }: Payment, body: string): string | undefined {
    if (answer.kind === 'broken') return undefined;
    return namedTransaction(answer.body, body, this.#families.named(networkFamily(offer.network)));
  }

  /** What the facilitator's catalogue said of a payment last. */
  catalogued(payment: Payment): CatalogueAnswer | undefined {
    return this.#catalogued.get(payment);
  }

  /** Of two answers the later one stands: a catalogue may list at `verify` or at `settle`. */
  noteCatalogue(payment: Payment, answer: Exchange): void {
    const said = answer.kind === 'answered' ? readCatalogueAnswer(answer.extensionResponses) : undefined;
    if (said !== undefined) this.#catalogued.set(payment, said);
  }

  /** Any client can cause refusals at `verify`, so the message of a known reason is reported only for `settle`. */
  #noteReason(operation: 'verify' | 'settle', reason: Json | undefined, message: Json | undefined): void {
    const isKnown = relayedReason(textOf(reason), '') !== '';
    const text = loggedReason(textOf(reason), operation === 'verify' && isKnown ? undefined : textOf(message));
    if (text !== undefined) this.#onStrangeReason(operation, text);
  }
}

function textOf(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
