import { decodePaymentRequiredHeader } from '@x402/core/http';
import { expect, it } from 'vitest';
import { openValueGateway, type ValueGateway } from '../../support/value-gateway.ts';

const PERMIT2 = `{ symbol: TOK, address: "0x036CbD53842c5426634e7929541eC2318f3dCF7e", decimals: 6, transferMethod: permit2, name: Token, version: "1" }`;

async function declared(gateway: ValueGateway): Promise<readonly string[]> {
  const header = (await gateway.ask('/a'))?.field('payment-required') ?? '';
  const { extensions = {} } = decodePaymentRequiredHeader(header);
  return Object.keys(extensions).filter((name) => name.endsWith('GasSponsoring'));
}

it('A 402 declares gas sponsoring from when the facilitator offers it until it withdraws it', async () => {
  const gateway = await openValueGateway(`asset: ${PERMIT2}\nroutes:\n  - { path: /a, price: 1 TOK }\n`);
  expect(await declared(gateway)).toEqual([]);
  for (const extensions of [['erc20ApprovalGasSponsoring'], [], ['erc20ApprovalGasSponsoring', 'bazaar'], ['bazaar']]) {
    gateway.facilitator.extensions = extensions;
    await gateway.learn();
    expect(await declared(gateway)).toEqual(extensions.filter((name) => name !== 'bazaar'));
  }
});
