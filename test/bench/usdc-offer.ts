import type { Amount } from '../../src/domain/amount.ts';
import type { Network } from '../../src/domain/network.ts';
import type { Offer } from '../../src/domain/offer.ts';

/** An offer in the test USDC of the local chain, at its address on Base Sepolia: one cent to `payTo`. */
export function usdcOffer(payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'): Offer {
  const network = 'eip155:84532' as Network;
  const address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
  const extra = { name: 'USDC', version: '2' };
  const facts = { scheme: 'exact', network, payTo, maxTimeoutSeconds: 60 };
  return {
    ...facts,
    asset: { network, address, symbol: 'USDC', decimals: 6, transferMethod: 'eip3009', ...extra },
    amount: 10000n as Amount,
    v1Network: 'base-sepolia',
    requirements: { ...facts, amount: '10000', asset: address, extra },
  };
}
