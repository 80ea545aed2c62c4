import { isPrefetch } from '../domain/request-head.ts';
import type { FreeQuota } from '../domain/use-limit.ts';
import { clientGroup } from '../proxy/client-address.ts';
import { admitByUse, policyField, type UseTerms } from './admit-by-use.ts';
import { checkSignIn, signInRefusal, spendSignIn } from './carried-sign-in.ts';
import type { RoutedRequest } from './exchange.ts';
import { UNPAID } from './read-payment.ts';
import type { OpenPrice, Services } from './runtime.ts';
import type { SignedIn } from './sign-in.ts';
import type { Admission, Refusal } from './stages.ts';

/**
 * Admits a request free of charge while the client has free requests left (`free`). A batch is never free, because it
 * is several calls.
 *
 * | what happens | the use |
 * |---|---|
 * | before the API is asked | taken, in the store; a process that is killed from here on leaves it taken |
 * | the API answers below 500 | taken |
 * | the API answers 5xx, or was not reached | given back |
 * | the client leaves | taken: the API has worked |
 * | the store does not answer | none is taken: the request must be paid for |
 *
 * Where none is left, the request is refused with the price and the time until there are free requests again.
 */
export function admitFree(
  request: RoutedRequest,
  open: OpenPrice,
  services: Services,
): Admission | Refusal | undefined | Promise<Admission | Refusal | undefined> {
  const { route, price, head, runtime } = request;
  if (route.free === undefined || price.parts !== undefined) return undefined;
  const { free } = route;
  if (isPrefetch(head)) return undefined;
  if (free.by === 'payer') return admitWithSignIn(request, { free, open }, services);
  return admitByUse(request, termsOf(request, free, clientGroup(head, runtime.trustedPeers)), services);
}

/**
 * The same for an account that signs in with each request. A sign-in is valid once, so that a copy of it takes nothing
 * from the account. Its nonce is spent first, in the store.
 *
 * | what happens | the nonce | the use |
 * |---|---|---|
 * | the sign-in is refused | not spent | none is taken |
 * | killed between the two | spent | none is taken: the client signs in again |
 * | none is left | spent | none is taken |
 */
function admitWithSignIn(
  request: RoutedRequest,
  { free, open: { signIn } }: { readonly free: FreeQuota; readonly open: OpenPrice },
  services: Services,
): Refusal | undefined | Promise<Admission | Refusal | undefined> {
  const check = checkSignIn(request, signIn);
  switch (check?.kind) {
    case undefined:
      // States that accounts have free requests if they sign in; the declaration in the 402 says how.
      return signIn === undefined ? undefined : { ...UNPAID, fields: policyField('free', free) };
    case 'refused':
      return signInRefusal(request, check.reason);
    case 'signed_in':
      return admitSignedIn(request, check, services);
  }
}

async function admitSignedIn(
  request: RoutedRequest,
  signedIn: SignedIn,
  services: Services,
): Promise<Admission | Refusal | undefined> {
  request.notes.payer = signedIn.account;
  try {
    if (!(await spendSignIn(signedIn, services))) return signInRefusal(request, 'invalid_siwx_nonce');
  } catch (cause) {
    request.notes.cause = cause;
    return undefined;
  }
  return await admitAccount(request, signedIn.account, services);
}

/** Takes a free request of an account whose sign-in was spent, where the route counts them by account. */
export async function admitAccount(
  request: RoutedRequest,
  account: string,
  services: Services,
): Promise<Admission | Refusal | undefined> {
  const { free } = request.route;
  if (free?.by !== 'payer' || request.price.parts !== undefined) return undefined;
  return await admitByUse(request, termsOf(request, free, account), services);
}

function termsOf({ price }: RoutedRequest, limit: FreeQuota, by: string): UseTerms {
  const admission = { kind: 'admitted', outcome: 'free_quota', facts: { route: price.id } } as const;
  return { name: 'free', by, limit, admission };
}
