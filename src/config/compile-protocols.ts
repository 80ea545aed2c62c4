import { PRICES_BY_PROTOCOL } from '../domain/prices-by-protocol.ts';
import type { ProtocolSetting } from '../domain/protocol-setting.ts';
import type { RoutePrice } from '../domain/route-price.ts';
import { inherited } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import { protocolList } from './protocol-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Source } from './source.ts';

/**
 * The protocols of a route. A price that one of them cannot state is a warning where x402 is there too, which states all
 * prices, and a fault elsewhere.
 */
export function compileProtocols(
  fields: RouteFields,
  prices: readonly RoutePrice[],
  gateway: GatewayFields,
  source: Source,
): readonly ProtocolSetting[] {
  const field = inherited(fields.protocols, gateway.protocols);
  const settings = protocolList(field, source);
  for (const setting of settings) {
    const { name, whyNot } = PRICES_BY_PROTOCOL[setting];
    for (const price of prices) {
      const reason = price.kind === 'free' ? undefined : whyNot(price);
      if (reason === undefined) continue;
      const said = `${name} cannot state the price ${price.id}: ${reason.wrong}`;
      if (settings.includes('x402')) source.warn(field.place, `${said}. It is offered in x402 alone`, reason.right);
      else source.report(field.place, said, `${reason.right}; or x402 beside it`);
    }
  }
  return settings;
}
