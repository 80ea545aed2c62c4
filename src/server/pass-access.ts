import { literalFront } from '../domain/literal-front.ts';
import { evmChainId } from '../domain/network.ts';
import { isOwnHost } from '../domain/own-host.ts';
import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import { type PaidPrice, sellsPasses } from '../domain/route-price.ts';
import { loadMessageSigners, type MessageSigners } from '../evm/personal-message.ts';
import { AccessTokens } from '../pass/access-tokens.ts';
import { SignInNonces } from '../pass/sign-in-nonce.ts';
import { scopeDigest } from '../pass/token.ts';
import { createTokenKey, signingKeys } from '../pass/token-keys.ts';
import type { PassAccess } from '../pipeline/runtime.ts';
import { SignInGate } from '../pipeline/sign-in.ts';
import type { TokenKeys } from '../store/passes.ts';

/** What the routes of one plan share for passes and sign-ins. */
export interface AccessTools {
  readonly tokens: AccessTokens;
  /** Whether browsers get tokens as cookies. */
  readonly cookie: boolean;
  /** `undefined` where clients cannot sign in. */
  readonly signIn: { readonly nonces: SignInNonces; readonly signers: MessageSigners } | undefined;
  /** Where clients reach the gateway, whatever a request says; `undefined` where the configuration does not say. */
  readonly publicUrl: string | undefined;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * Prepares the keys of a plan: those of the configuration, else the one that all replicas on the store share.
 * `undefined` where no route sells passes and none counts free requests by account.
 *
 * @throws GatewayError `store_unavailable`
 */
export async function openAccessTools(
  { routes, accessTokens, publicUrl }: Plan,
  store: TokenKeys,
  clock: () => number,
): Promise<AccessTools | undefined> {
  if (!routes.some((route) => sellsPasses(route) || route.free?.by === 'payer')) return undefined;
  const { keys: configured, cookie, signIn } = accessTokens;
  const secrets = configured.length > 0 ? configured : [(await store.tokenKey(createTokenKey)).secret];
  const keys = signingKeys(secrets);
  return {
    tokens: new AccessTokens(keys),
    cookie,
    signIn: signIn ? { nonces: new SignInNonces(keys), signers: await loadMessageSigners() } : undefined,
    publicUrl,
    clock,
  };
}

/** How passes open a price; `undefined` where it sells none. */
export function openPassAccess({ access: rule }: PaidPrice, { tokens, cookie }: AccessTools): PassAccess | undefined {
  return rule && { rule, scope: scopeDigest(rule.terms.scope), tokens, cookie };
}

/**
 * The sign-in of clients for a price: for passes that their account has bought, and for free requests that are counted
 * by account. `undefined` where there is neither, or where no client can sign in. Neither applies to the price of
 * several calls together.
 */
export function openSignIn(
  { host, pattern, name, free }: Route,
  { access, offers, parts }: PaidPrice,
  { signIn, publicUrl, clock }: AccessTools,
): SignInGate | undefined {
  const isFree = free?.by === 'payer' && parts === undefined;
  if (signIn === undefined || (access === undefined && !isFree)) return undefined;
  // A sign-in is signed by EIP-191, which only EVM has.
  const networks = [...new Set(offers.map(({ network }) => network))].filter(
    (network) => evmChainId(network) !== undefined,
  );
  if (networks.length === 0) return undefined;
  return new SignInGate({
    purpose: access?.terms.scope ?? `free requests\n${name}`,
    statement: access === undefined ? FOR_FREE : isFree ? FOR_BOTH : FOR_PASSES,
    path: access?.path ?? `/${literalFront(pattern).join('/')}`,
    networks,
    ...signIn,
    isOwnHost: (given) => isOwnHost(given, { publicUrl, routeHost: host }),
    clock,
  });
}

const FOR_PASSES = 'Sign in to use what this account has paid for.';
const FOR_FREE = 'Sign in to use the free requests of this account.';
const FOR_BOTH = 'Sign in to use what this account has paid for, or its free requests.';
