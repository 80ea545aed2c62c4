import { evmChainId } from '../domain/network.ts';
import { isPriced, type RoutePrice } from '../domain/route-price.ts';
import { DEFAULT_ACCESS_TOKENS } from './access-keys.ts';
import { inherited, soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import { namedProtocols } from './protocol-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Source } from './source.ts';

/** Checks the ways to pass without a payment: each opens something, and can be used. */
export function checkUnpaid(
  fields: RouteFields,
  prices: readonly RoutePrice[],
  gateway: GatewayFields,
  source: Source,
): void {
  if (prices.length === 0) return;
  // The author expects that other clients pay.
  if (!isPriced({ prices })) {
    for (const key of ['free', 'keys'] as const) {
      if (fields[key].kind === 'absent') continue;
      source.report(fields[key].place, `${key} has no effect on a free route`, 'a price, or the key left out');
    }
    return;
  }
  if (soundValue(fields.free)?.by === 'payer') checkSignIn(fields, prices, gateway, source);
}

/** Free requests of an account are had by signing in, as x402's extension says, with an EVM account. */
function checkSignIn(
  { free, protocols }: RouteFields,
  prices: readonly RoutePrice[],
  gateway: GatewayFields,
  source: Source,
): void {
  const { signIn } = soundValue(gateway.accessTokens) ?? DEFAULT_ACCESS_TOKENS;
  if (!signIn) {
    source.report(free.place, 'nobody can sign in: accessTokens has signIn: off', 'by: address, or signIn: on');
  }
  if (!namedProtocols(inherited(protocols, gateway.protocols)).includes('x402')) {
    const wrong = 'nobody can sign in: only a 402 of x402 says how, and the route has other protocols';
    source.report(free.place, wrong, 'by: address, or x402 among the protocols');
  }
  const elsewhere = prices.find(
    (price) =>
      price.kind === 'priced' &&
      price.offers.length > 0 &&
      price.offers.every(({ network }) => evmChainId(network) === undefined),
  );
  if (elsewhere === undefined) return;
  const wrong = `nobody can sign in for ${elsewhere.id}: it is paid on no EVM network, whose accounts sign in`;
  source.report(free.place, wrong, 'by: address, or an EVM network among accepts');
}
