import { type Answer, probe, RELAYED } from '../answer.ts';
import { openPaymentSigner, payerFor } from '../payment-signer.ts';
import type { RateSuite, Side } from '../suite.ts';

/** More than any gateway on one core pays in a second, so that a round does not run out of payments. */
export const PAYMENTS_PER_SECOND = 5000;

const ROUTES = `  - { path: /free, price: free }
  - { path: /paid, price: $0.001 }
  - { path: /first, price: $0.001, settle: before }
  - { path: /verified, price: $0.001, settle: before, verify: always }
`;

/** What a paid call costs: check, claim, verify, forward, settle, deliver, beside calls that cost nothing. */
export const paid: RateSuite = {
  kind: 'rates',
  title: 'a paid call, remote facilitator that answers at once, SQLite ledger',
  unit: 'requests',
  async open(bench) {
    const { upstreamUrl } = bench.world;
    const gateway = await bench.gateway({ routes: ROUTES, store: 'sqlite' });
    const inMemory = await bench.gateway({ routes: ROUTES, store: 'memory' });
    const undici = await bench.system('undici-proxy', [upstreamUrl]);
    const paying = (name: string, url: string) => bench.paidSide(name, url, () => probePaid(url), PAYMENTS_PER_SECOND);
    return {
      subject: paying('gateway, paid', `${gateway}/paid`),
      partners: [
        { ...bench.sideOfClient('gateway, free route', `${gateway}/free`), target: 0.3 },
        paying('gateway, paid, settle: before', `${gateway}/first`),
        paying('gateway, paid, ledger in memory', `${inMemory}/paid`),
        bench.sideOfClient('bare undici dispatcher', `${undici.url}/free`),
        bench.sideOfClient('direct connection', `${upstreamUrl}/free`),
      ],
    };
  },
};

/** What it gains to let the settlement alone decide, which is one exchange with the facilitator fewer. */
export const before: RateSuite = {
  kind: 'rates',
  title: 'a paid call with `settle: before`, remote facilitator that answers at once, SQLite ledger',
  unit: 'requests',
  async open(bench) {
    const paying = async (name: string, path: string): Promise<Side> => {
      const { url, pid } = await bench.gatewayProcess({ routes: ROUTES, store: 'sqlite' });
      return { ...bench.paidSide(name, url + path, () => probePaid(url + path), PAYMENTS_PER_SECOND), pid };
    };
    return {
      subject: await paying('gateway, settle: before', '/first'),
      partners: [
        { ...(await paying('gateway, settle: after', '/paid')), target: 1.3 },
        await paying('gateway, settle: before, verify: always', '/verified'),
      ],
    };
  },
};

/** A paid call as the free sides show theirs; a call that was not settled is none. */
async function probePaid(url: string): Promise<Answer> {
  const pay = await payerFor(url, await openPaymentSigner());
  const [payment = ''] = pay(1);
  const headers = { 'PAYMENT-SIGNATURE': payment };
  const { 'payment-response': receipt = '', ...answer } = await probe(url, headers, [...RELAYED, 'payment-response']);
  const settlement = Buffer.from(receipt, 'base64').toString('utf8');
  if (!settlement.includes('"success":true')) throw new Error(`${url} was not paid: ${JSON.stringify(answer)}`);
  return answer;
}
