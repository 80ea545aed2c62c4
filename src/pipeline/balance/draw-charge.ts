import type { Charge, ChargeLimit, ChargeTold } from '../../domain/answer-reader.ts';
import type { BalanceCurrency } from '../../domain/balance.ts';
import type { Pass } from '../../domain/pass.ts';
import { encodeUsage } from '../../domain/usage.ts';
import type { Observer } from '../../observe/observer.ts';
import type { OpenHold } from '../../pass/balance-holds.ts';
import { balanceComment, balanceFields } from '../../protocol/access-pass.ts';
import type { RoutedRequest } from '../exchange.ts';

/** The terms of a charge to a balance. */
export interface DrawTerms {
  readonly currency: BalanceCurrency;
  readonly limit: ChargeLimit;
  readonly observer: Observer;
  /** Ids of the webhook receivers that are told of the call. */
  readonly hooks: readonly string[];
}

/** A charge, and the balance after it. */
export interface Drawn {
  readonly charge: Charge;
  /** In the balance's units; 0 where nothing was charged. */
  readonly amount: number;
  /** `undefined` where nothing was charged and the release could not be written yet. */
  readonly pass: Pass | undefined;
}

/**
 * Ends a hold with the charge that the answer states.
 *
 * @throws GatewayError `store_unavailable`: what depends on the charge must not go out
 */
export async function drawCharge(
  { price }: RoutedRequest,
  hold: OpenHold,
  charge: Charge,
  { currency, limit, observer, hooks }: DrawTerms,
): Promise<Drawn> {
  if (charge.kind === 'release') return { charge, amount: 0, pass: await hold.release() };
  const { usage } = charge;
  const amount = charge.amount < limit.amount ? charge.amount : limit.amount;
  const news = hooks.length === 0 ? undefined : { hooks, payer: hold.pass.payer, currency };
  const pass = await hold.draw({ charge: Number(amount), usage: usage && encodeUsage(usage), news });
  observer.answerCharged({ route: price.id, usage, amount, maximum: limit.amount });
  return { charge, amount: Number(amount), pass };
}

/** The headers about a charge; `undefined` where nothing was charged. */
export function toldOfDraw({ charge, amount, pass }: Drawn, { currency }: DrawTerms): ChargeTold | undefined {
  if (charge.kind === 'release' || pass === undefined) return undefined;
  const available = pass.quota?.available ?? 0;
  const notice = { scope: pass.scope, expiresAt: undefined, remaining: undefined, balance: { available, currency } };
  return {
    receipt: undefined,
    fields: balanceFields(available, currency, amount),
    comment: balanceComment(notice, amount),
  };
}
