import { formatAmount } from './amount.ts';
import { MPP_PRICES } from './mpp-prices.ts';
import type { ProtocolPrices } from './protocol-prices.ts';
import type { ProtocolSetting } from './protocol-setting.ts';

/** x402 states every offer. */
const X402_PRICES: ProtocolPrices = {
  name: 'x402',
  whyNot: () => undefined,
  infoOf: ({ offers }) =>
    offers.map(({ scheme, network, amount, asset }) => ({
      intent: 'charge',
      method: 'x402',
      amount: formatAmount(amount),
      currency: asset.address,
      scheme,
      network,
    })),
  challengeBytes: () => 0,
};

/** The prices of each protocol, by its word in the configuration. */
export const PRICES_BY_PROTOCOL: Readonly<Record<ProtocolSetting, ProtocolPrices>> = {
  x402: X402_PRICES,
  mpp: MPP_PRICES,
};
