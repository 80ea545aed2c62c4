import { BodyDigest } from './body-digest.ts';
import { charge } from './charge.ts';
import type { ClaimedPayment } from './claim.ts';
import type { RoutedRequest } from './exchange.ts';
import { type OpenedBeside, openBeside } from './open-beside.ts';
import type { Services } from './runtime.ts';
import { serveCharged } from './serve-charged.ts';
import type { AuthorizedPayment, Refusal, Served } from './stages.ts';
import { chargeHolding, openUnpaid } from './unpaid-answer.ts';
import { AT_ONCE, type Ends, withClaim } from './with-claim.ts';

/**
 * `settle: after`: the upstream works first, and its answer waits while the money moves. A failed call costs nothing,
 * and no byte of the answer leaves before the settlement is written down. With `verify: alongside` it works while the
 * payment is verified ({@link openBeside}).
 *
 * @param ends how paid answers end
 */
export async function serveThenCharge(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
  ends: Ends = AT_ONCE,
): Promise<Served | Refusal> {
  const { unpaidCallsPerPayer } = request.runtime.plan.limits;
  const paid = services.limiters.unpaidCalls.begin(authorized.payment, unpaidCallsPerPayer);
  if (paid === undefined) return TOO_MANY_UNPAID;
  try {
    return await withClaim(
      request,
      authorized,
      'after',
      services,
      async (claimed, placed) => {
        const digest = new BodyDigest(placed.body);
        const opened = await open(placed, claimed, authorized, digest);
        if (opened.kind !== 'opened') return opened;
        const { response } = opened;
        const holding = { claimed, authorized: opened.authorized, response, digest };
        const charged = await chargeHolding(placed, holding, services);
        if (charged.kind === 'refusal') return charged;
        // The call is paid now: a large answer may take its time.
        paid();
        return await ends.deliver(placed, { claimed, response, digest, notice: charged.notice });
      },
      ends,
    );
  } finally {
    paid();
  }
}

async function open(
  request: RoutedRequest,
  claimed: ClaimedPayment,
  authorized: AuthorizedPayment,
  digest: BodyDigest,
): Promise<Served | Refusal | OpenedBeside> {
  const { verifyBeside } = authorized;
  if (verifyBeside !== undefined) return await openBeside(request, claimed, verifyBeside, digest);
  const opened = await openUnpaid(request, claimed, digest);
  return opened.kind === 'opened' ? { ...opened, authorized } : opened;
}

/** Nothing was claimed: the same payment is valid once one of the others has ended. */
export const TOO_MANY_UNPAID: Refusal = {
  kind: 'refusal',
  code: 'too_many_unpaid_calls',
  reason: 'too_many_unpaid_calls',
  retryAfterSeconds: 1,
};

/**
 * `settle: before`: the money moves, then the upstream works. For work that is expensive or cannot be undone. If the
 * upstream then fails, the payment stays valid for the retry window.
 */
export async function chargeThenServe(
  request: RoutedRequest,
  authorized: AuthorizedPayment,
  services: Services,
): Promise<Served | Refusal> {
  return await withClaim(request, authorized, 'before', services, async (claimed, placed) => {
    const charged = await charge(placed, claimed, authorized, services);
    return charged.kind === 'refusal' ? charged : await serveCharged(placed, claimed, charged.notice, services);
  });
}
