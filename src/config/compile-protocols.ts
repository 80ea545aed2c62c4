import { statesByMpp } from '../domain/mpp-offer.ts';
import type { ProtocolSetting } from '../domain/protocol-setting.ts';
import type { RoutePrice } from '../domain/route-price.ts';
import { inherited } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import { protocolList } from './protocol-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Source } from './source.ts';

/**
 * The protocols of a route. One that asks for MPP alone has to have prices that MPP can state; where x402 is there too, what
 * MPP cannot state is a warning.
 */
export function compileProtocols(
  fields: RouteFields,
  prices: readonly RoutePrice[],
  gateway: GatewayFields,
  source: Source,
): readonly ProtocolSetting[] {
  const field = inherited(fields.protocols, gateway.protocols);
  const settings = protocolList(field, source);
  if (!settings.includes('mpp')) return settings;
  for (const price of prices) {
    if (price.kind === 'free') continue;
    const wrong = whyNotByMpp(price);
    if (wrong === undefined) continue;
    const right = 'settle: after or before, a fixed price, and an EVM token that has EIP-3009, such as USDC';
    const said = `MPP cannot state the price ${price.id}: ${wrong}`;
    if (settings.includes('x402')) source.warn(field.place, `${said}. It is offered in x402 alone`, right);
    else source.report(field.place, said, `${right}; or x402 beside it`);
  }
  return settings;
}

function whyNotByMpp(price: RoutePrice & { kind: 'priced' }): string | undefined {
  if (price.settle === 'deferred') return 'its receipts come with the answer, and settle: deferred has none by then';
  if (price.metering !== undefined) return 'it is charged by what was used';
  return price.offers.some(statesByMpp) ? undefined : 'none of its tokens is paid by EIP-3009';
}
