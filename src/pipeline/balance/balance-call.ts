import { type Amount, parseAmount } from '../../domain/amount.ts';
import type { AnswerReader, ChargeLimit } from '../../domain/answer-reader.ts';
import { type BalanceCurrency, balanceDigits, balanceUnits } from '../../domain/balance.ts';
import type { ErrorCode } from '../../domain/gateway-error.ts';
import { sameAddress } from '../../domain/network-family.ts';
import type { Offer } from '../../domain/offer.ts';
import type { Pass, PassId } from '../../domain/pass.ts';
import type { OpenHold } from '../../pass/balance-holds.ts';
import { balanceFields } from '../../protocol/access-pass.ts';
import type { RoutedRequest } from '../exchange.ts';
import { registeredReader } from '../reader-for.ts';
import type { Services } from '../runtime.ts';
import type { Refusal } from '../stages.ts';

/** A call that a balance pays, before anything is held for it. */
export interface BalanceCall {
  readonly kind: 'call';
  readonly currency: BalanceCurrency;
  /** The most that it may cost, in the balance's units. */
  readonly limit: ChargeLimit;
  readonly reader: AnswerReader;
}

/**
 * The balance's currency and the most that one call costs in it.
 *
 * @throws GatewayError `store_unavailable`
 */
export async function balanceCall(
  request: RoutedRequest,
  id: PassId,
  services: Services,
): Promise<BalanceCall | Refusal> {
  const currency = await services.passes.balances.currencyOf(id);
  const offer = currency && offerIn(request, currency, services);
  const limit = offer && limitOf(offer);
  const reader = limit && registeredReader(request, { offer, limit }, services);
  if (currency === undefined || limit === undefined || reader === undefined) {
    const detail = 'The balance is in an asset that this route does not take any more.';
    return { kind: 'refusal', code: 'access_token_invalid', reason: 'access_token_invalid', detail };
  }
  return { kind: 'call', currency, limit, reader };
}

/**
 * Holds the most that a call may cost.
 *
 * @throws GatewayError `store_unavailable`: nothing is held
 */
export async function takeHold(
  { requestId, price }: RoutedRequest,
  pass: PassId,
  { currency, limit }: BalanceCall,
  { passes }: Services,
): Promise<OpenHold | Refusal> {
  const most = Number(limit.amount);
  const taken = await passes.balances.take({ pass, most, route: price.id, requestId });
  switch (taken.kind) {
    case 'held':
      return taken.hold;
    case 'too_low':
      return tooLow(taken.pass, most, currency);
    case 'gone':
      return refuse(taken.why === 'revoked' ? 'access_token_revoked' : 'access_token_invalid');
  }
}

/** Where running calls may give back enough, the client is told to retry instead of to buy. */
function tooLow(pass: Pass, most: number, currency: BalanceCurrency): Refusal {
  const { available = 0, lent = 0 } = pass.quota ?? {};
  const fields = balanceFields(available, currency);
  if (available + lent >= most) return { ...refuse('access_balance_in_use'), fields, retryAfterSeconds: 1 };
  return { ...refuse('access_balance_too_low'), fields };
}

function refuse(code: ErrorCode): Refusal {
  return { kind: 'refusal', code, reason: code };
}

/** The offer of this price in the balance's currency. */
function offerIn({ price }: RoutedRequest, currency: BalanceCurrency, { families }: Services): Offer | undefined {
  const { network, asset } = currency;
  const family = families.of(network);
  return price.offers.find((offer) => offer.network === network && sameAddress(family, offer.asset.address, asset));
}

function limitOf({ access }: Offer): ChargeLimit | undefined {
  const balance = access?.balance;
  const atomic = balance && parseAmount(balance.upTo);
  const units = atomic === undefined || balance === undefined ? undefined : balanceUnits(atomic, balance);
  return units === undefined || balance === undefined
    ? undefined
    : { amount: units as Amount, decimals: balanceDigits(balance) };
}
