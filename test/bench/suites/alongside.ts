import { request } from 'undici';
import { openPaymentSigner, payerFor } from '../payment-signer.ts';
import { median } from '../spread.ts';
import type { CostSuite, Meter } from '../suite.ts';
import { UPSTREAM_BODY } from '../world.ts';

/** How long the upstream takes to answer, and the facilitator to each call. */
const DELAY_MS = 100;
/** What has to come one after the other: the longer one of call and verification, and the settlement. */
const LEAST_MS = 2 * DELAY_MS;

const ROUTES = `  - { path: /first, price: $0.001 }
  - { path: /beside, price: $0.001, verify: alongside }
`;

const COSTS: Meter['costs'] = [
  { name: 'verify: alongside, beside the longer one plus settle', unit: 'times', atMost: 1.15 },
  { name: 'verified first, beside the same', unit: 'times' },
  { name: 'verify: alongside', unit: 'ms' },
];

/** How long a paid GET takes whose upstream and facilitator are slow, when both work at the same time. */
export const alongside: CostSuite = {
  kind: 'costs',
  title: `a paid GET, upstream and facilitator of ${DELAY_MS} ms a call`,
  async open(bench) {
    const upstream = await bench.system('fixed-answer', ['200', '[]', UPSTREAM_BODY, String(DELAY_MS)]);
    const facilitator = await bench.system('facilitator', [String(DELAY_MS)]);
    const around = { upstreamUrl: upstream.url, facilitatorUrl: facilitator.url };
    const gateway = await bench.gateway({ routes: ROUTES, store: 'sqlite', around });
    const signer = await openPaymentSigner();
    const [first, beside] = [`${gateway}/first`, `${gateway}/beside`];
    return {
      costs: COSTS,
      async measure(seconds) {
        const calls = Math.max(3, Math.round((seconds * 1000) / (5 * DELAY_MS)));
        const ms = { first: [] as number[], beside: [] as number[] };
        for (let call = 0; call < calls; call += 1) {
          ms.first.push(await timeOfCall(first, signer));
          ms.beside.push(await timeOfCall(beside, signer));
        }
        const took = median(ms.beside);
        return [took / LEAST_MS, median(ms.first) / LEAST_MS, took];
      },
    };
  },
};

/** Milliseconds of one paid call. @throws Error for one that is not served */
async function timeOfCall(url: string, signer: Awaited<ReturnType<typeof openPaymentSigner>>): Promise<number> {
  const [payment = ''] = (await payerFor(url, signer))(1);
  const startedAt = performance.now();
  const { statusCode, body } = await request(url, { headers: { 'PAYMENT-SIGNATURE': payment } });
  const text = await body.text();
  const took = performance.now() - startedAt;
  if (statusCode !== 200) throw new Error(`${url} answered ${statusCode}: ${text}`);
  return took;
}
