import { GatewayError } from '../domain/gateway-error.ts';
import type { Payment } from '../domain/payment.ts';
import type { Settlement, SettlementOutcome } from '../domain/settlement.ts';
import type { Facilitator } from '../facilitator/facilitator.ts';
import type { AuthorizedPayment } from './authorize.ts';
import type { ClaimedPayment } from './claim.ts';
import { settleResponseOf } from './held-payment.ts';
import type { Refusal, SettlementNotice } from './refusal.ts';

/** Seconds after which an unresolved settlement is worth asking about again. */
const UNKNOWN_RETRY_SECONDS = 5;

/** What charging came to: the money moved, or why the request is not served. */
export type ChargeResult = { readonly kind: 'charged'; readonly notice: SettlementNotice } | Refusal;

/**
 * Moves the money of a payment that stands at `settling`, and writes down what came of it before anybody is told.
 *
 * A crash before the settlement left: the row says `settling`, nothing moved, recovery finds the authorization unused.
 * A crash after it: the row says `settling`, recovery finds the transfer. In both cases nobody settles again blindly.
 *
 * @throws GatewayError `store_unavailable`: the row stays at `settling`, which is the truth as far as it is known;
 *   `facilitator_overloaded`: nothing was sent, the payment can be used again
 */
export async function charge(claimed: ClaimedPayment, authorized: AuthorizedPayment): Promise<ChargeResult> {
  const { payment, protocol, facilitator } = authorized;
  const { offer } = payment;
  const outcome = await settle(claimed, facilitator, payment);
  switch (outcome.kind) {
    case 'settled':
      return { kind: 'charged', notice: await recordSettlement(claimed, authorized, outcome.settlement) };
    case 'failed':
      await claimed.move({ to: 'failed', reason: outcome.reason });
      return {
        kind: 'refusal',
        code: 'settlement_failed',
        reason: outcome.reason,
        challenge: true,
        settlement: {
          protocol,
          offer,
          response: {
            success: false,
            errorReason: outcome.reason,
            transaction: outcome.transaction ?? '',
            network: offer.network,
            payer: payment.authorization.payer,
          },
        },
      };
    case 'unknown':
      await claimed.move({ to: 'unknown', reason: outcome.reason });
      return {
        kind: 'refusal',
        code: 'settlement_unknown',
        reason: 'settlement_pending',
        challenge: false,
        retryAfterSeconds: UNKNOWN_RETRY_SECONDS,
      };
  }
}

/**
 * Asks for the money once. A facilitator that says it is overloaded has sent nothing; one that fails in any other way
 * has told nothing, and then the outcome is unknown.
 */
async function settle(claimed: ClaimedPayment, facilitator: Facilitator, payment: Payment): Promise<SettlementOutcome> {
  try {
    return await facilitator.settle(payment);
  } catch (fault) {
    if (fault instanceof GatewayError && fault.code === 'facilitator_overloaded') {
      await claimed.move({ to: 'failed', reason: fault.message });
      throw fault;
    }
    return { kind: 'unknown', reason: fault instanceof Error ? fault.message : String(fault) };
  }
}

async function recordSettlement(
  claimed: ClaimedPayment,
  { protocol, payment }: AuthorizedPayment,
  settlement: Settlement,
): Promise<SettlementNotice> {
  await claimed.move({ to: 'delivering', settlement });
  const response = settleResponseOf(claimed.record);
  if (response === undefined) throw new Error('a settled payment without its settlement');
  return { protocol, offer: payment.offer, response };
}
