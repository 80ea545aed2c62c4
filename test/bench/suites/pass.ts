import { request } from 'undici';
import { openPaymentSigner, payerFor } from '../payment-signer.ts';
import type { RateSuite } from '../suite.ts';
import type { Workbench } from '../workbench.ts';

/** More requests than any run makes. */
const REQUESTS = 1_000_000_000;

/** What a call costs that an access token opens: the token, a request of its pass, and the forwarding. */
export const pass: RateSuite = {
  kind: 'rates',
  title: 'a call with an access token',
  unit: 'requests',
  async open(bench: Workbench) {
    const gateway = await bench.gateway({
      routes: `  - { path: /free, price: free }
  - { path: /counted, price: $0.001, access: { for: 24h, requests: ${REQUESTS} } }
  - { path: /timed, price: $0.001, access: { for: 24h } }
`,
    });
    const side = async (name: string, path: string) =>
      bench.sideWith(name, gateway + path, { headers: { 'X402-Access-Token': await buyToken(gateway + path) } });
    return {
      subject: await side('gateway, token with a quota', '/counted'),
      partners: [
        { ...bench.side('gateway, free route', `${gateway}/free`), target: 0.9 },
        await side('gateway, token with a time', '/timed'),
        bench.side('direct connection', `${bench.world.upstreamUrl}/free`),
      ],
    };
  },
};

/** Pays for one call, and takes the token that comes with it. */
export async function buyToken(url: string): Promise<string> {
  const pay = await payerFor(url, await openPaymentSigner());
  const [payment = ''] = pay(1);
  const { statusCode, headers, body } = await request(url, { headers: { 'PAYMENT-SIGNATURE': payment } });
  await body.dump();
  const token = headers['x402-access-token'];
  if (typeof token !== 'string') throw new Error(`${url} answered ${statusCode} and sold no token`);
  return token;
}
