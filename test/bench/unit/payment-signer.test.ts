import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodePaymentSignatureHeader } from '@x402/core/http';
import { afterEach, describe, expect, it } from 'vitest';
import { openPaymentSigner, PAYER, payerFor } from '../payment-signer.ts';

const servers: ReturnType<typeof createServer>[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** An API that answers every request with a 402 that has this in its header. */
async function seller(stated: unknown): Promise<string> {
  const header = Buffer.from(JSON.stringify(stated)).toString('base64');
  const server = createServer((_req, res) => res.writeHead(402, { 'PAYMENT-REQUIRED': header }).end());
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return `http://127.0.0.1:${port}/paid`;
}

/** The payment that is made for what a seller states. */
async function paymentFor(stated: unknown) {
  const [payment = ''] = (await payerFor(await seller(stated), await openPaymentSigner()))(1);
  return decodePaymentSignatureHeader(payment);
}

const TERMS = {
  scheme: 'exact',
  payTo: '0x209693Bc6afc0C5328bA36FaF03C514EF312287C',
  asset: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  maxTimeoutSeconds: 60,
  extra: { name: 'USDC', version: '2' },
};

describe('the payer of the benchmarks', () => {
  it('pays what a 402 of version 2 states, for its resource', async () => {
    const resource = { url: 'https://api.example.com/paid', description: '', mimeType: '' };
    const accepted = { ...TERMS, network: 'eip155:84532' as const, amount: '1000' };
    const stated = { x402Version: 2, resource, accepts: [accepted] };
    const payment = await paymentFor(stated);
    expect(payment).toMatchObject({ accepted, resource });
    expect(payment.payload).toMatchObject({ authorization: { from: PAYER.toLowerCase(), value: '1000' } });
  });

  it.each([
    'base-sepolia',
    'base',
  ])('pays another make that states a bare list in the words of version 1, on %s', async (network) => {
    const accepted = { ...TERMS, network, maxAmountRequired: '1000' };
    const payment = await paymentFor([accepted]);
    expect(payment.accepted).toEqual(accepted);
    expect(payment.payload).toMatchObject({ authorization: { value: '1000' } });
  });

  it('refuses a price on a network that it cannot sign for', async () => {
    const accepted = { ...TERMS, network: 'base-moon', maxAmountRequired: '1000' };
    await expect(paymentFor([accepted])).rejects.toThrow('stated on base-moon');
  });

  it('refuses a 402 without a price', async () => {
    await expect(paymentFor([])).rejects.toThrow('states no price');
  });
});
