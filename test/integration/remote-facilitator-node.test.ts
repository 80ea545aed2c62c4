import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Devnet, freshPayer, startDevnet } from '../support/devnet.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type LossyNode, openLossyNode } from '../support/lossy-node.ts';
import { startOfficialFacilitator } from '../support/official-facilitator.ts';
import { handSigned, toHeader } from '../support/payment-header.ts';
import { settings } from '../support/settings.ts';
import { startUpstream, type TestUpstream } from '../support/upstream.ts';

/*
 * The official facilitator code, whose node does what it is asked and whose answers get lost: what it says then is not
 * what became of the money.
 */

const PRICE = 1000n;
const ROUTES = `
routes:
  - { path: /after, price: $0.001 }
  - { path: /before, price: $0.001, settle: before }
`;

let devnet: Devnet;
let upstream: TestUpstream;

beforeAll(async () => {
  [devnet, upstream] = await Promise.all([startDevnet(), startUpstream((_req, res) => res.end('served'))]);
});

afterAll(async () => {
  await Promise.all([devnet.close(), upstream.close()]);
});

interface Place {
  readonly node: LossyNode;
  readonly gateway: TestGateway;
}

/**
 * A facilitator of its own for each payment: the stock signer loses count of its transactions when it is asked again
 * for one that is used. `publicNodes` as in the environment.
 */
async function at<T>(publicNodes: string, play: (place: Place) => Promise<T>): Promise<T> {
  const node = await openLossyNode(devnet.rpcUrl);
  const official = await startOfficialFacilitator({ rpcUrl: node.url, key: devnet.accounts.settler.key });
  const text = settings(devnet, upstream.url, { kind: 'remote', url: official.url }) + ROUTES;
  const gateway = await startTestGateway(text, {}, publicNodes);
  try {
    return await play({ node, gateway });
  } finally {
    await gateway.close();
    await official.close();
    await node.close();
  }
}

async function pay(
  url: string,
  version: 1 | 2,
): Promise<{ ask: () => Promise<Response>; paid: () => Promise<bigint> }> {
  const payer = await freshPayer(devnet);
  const funds = await devnet.usdcBalanceOf(payer.address);
  const requirement = {
    scheme: 'exact',
    network: devnet.network,
    amount: String(PRICE),
    asset: devnet.usdc,
    payTo: devnet.accounts.payee.address,
  };
  const priced = await fetch(url);
  const { accepts } = JSON.parse(Buffer.from(priced.headers.get('payment-required') ?? '', 'base64').toString());
  const { authorization, signature } = await handSigned(payer.key, requirement);
  const payload = { signature, authorization };
  const headers: Record<string, string> =
    version === 1
      ? { 'X-PAYMENT': toHeader({ x402Version: 1, scheme: 'exact', network: 'base-sepolia', payload }) }
      : { 'PAYMENT-SIGNATURE': toHeader({ x402Version: 2, accepted: accepts[0], payload }) };
  return {
    ask: () => fetch(url, { headers }),
    paid: async () => funds - (await devnet.usdcBalanceOf(payer.address)),
  };
}

/** Whether an answer has a stock client sign, and pay, once more. */
function isOffer(response: Response): boolean {
  return response.status === 402 || response.headers.has('payment-required');
}

const CASES = ([1, 2] as const).flatMap((version) =>
  ['eth_sendRawTransaction', 'eth_getTransactionReceipt'].flatMap((method) =>
    ['/after', '/before'].map((path) => ({ version, method, path })),
  ),
);

describe('a payment whose facilitator does not hear from its node', () => {
  it.each(CASES)('gets no new offer once its money moved, and is served: v$version, $method, $path', async (given) => {
    const { version, method, path } = given;
    // As the README's first configuration has it: the network has a public node.
    await at(`base-sepolia=${devnet.rpcUrl}`, async ({ gateway, node }) => {
      const { ask, paid } = await pay(gateway.url + path, version);
      node.lose(method);
      const first = await ask();
      expect(node.lost).toBeGreaterThan(0);
      expect([first.status, isOffer(first)]).toEqual([503, false]);
      node.lose();
      const answers: Response[] = [];
      const again = async (): Promise<number> => answers[answers.push(await ask()) - 1]?.status ?? 0;
      await expect.poll(again, { timeout: 25_000, interval: 200 }).toBe(200);
      expect(answers.filter(isOffer)).toEqual([]);
      expect(await paid()).toBe(PRICE);
    });
  });

  it.each(CASES)('gets no new offer when there is no other node to ask: v$version, $method, $path', async (given) => {
    const { version, method, path } = given;
    await at('off', async ({ gateway, node }) => {
      const { ask, paid } = await pay(gateway.url + path, version);
      node.lose(method);
      const first = await ask();
      expect([first.status, isOffer(first)]).toEqual([503, false]);
      node.lose();
      await expect.poll(paid, { timeout: 25_000 }).toBe(PRICE);
      for (let again = 0; again < 5; again += 1) expect(isOffer(await ask())).toBe(false);
      expect(await paid()).toBe(PRICE);
    });
  });
});
