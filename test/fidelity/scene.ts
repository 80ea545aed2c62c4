import { decodePaymentRequiredHeader } from '@x402/core/http';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { encodePayment, handSigned, type Requirement } from '../support/payment-header.ts';
import { startScriptedFacilitator } from '../support/scripted-facilitator.ts';

/** What the API receives about a payment; written again here, and not imported from the code under test. */
export interface PaidFacts {
  readonly payer: string;
  readonly route: string;
  readonly network: string;
  readonly asset: string;
  readonly amount: string;
}

/** A gateway in front of an upstream, with the routes `/after/*` and `/before/*` priced and everything else free. */
export interface Scene {
  readonly gateway: TestGateway;
  readonly port: number;
  /** A payment by an account of its own for a priced path, and what the API is told of it. */
  pay(path: string): Promise<{ readonly header: string; readonly facts: PaidFacts }>;
  close(): Promise<void>;
}

const PRICES = `
routes:
  - { path: /after/*, price: $0.01, name: after }
  - { path: /before/*, price: $0.01, name: before, settle: before }
  - { path: /*, price: free }
`;

/** Opens a {@link Scene} whose facilitator agrees to every payment. */
export async function openScene(upstreamUrl: string): Promise<Scene> {
  const facilitator = await startScriptedFacilitator();
  const gateway = await startTestGateway(
    [
      `upstream: ${upstreamUrl}`,
      'payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"',
      'accepts: [base-sepolia]',
      'store: memory',
      `facilitator: ${facilitator.url}`,
      PRICES,
    ].join('\n'),
  );
  const requirements = new Map<string, Promise<Requirement>>();
  return {
    gateway,
    port: Number(new URL(gateway.url).port),
    async pay(path) {
      const route = path.split('/')[1] ?? '';
      const quoted = requirements.get(route) ?? quote(gateway.url + path);
      requirements.set(route, quoted);
      const requirement = await quoted;
      const key = generatePrivateKey();
      const header = `PAYMENT-SIGNATURE: ${encodePayment(await handSigned(key, requirement))}`;
      const { network, asset, amount } = requirement;
      const payer = privateKeyToAccount(key).address.toLowerCase();
      return { header, facts: { payer, network, asset, amount, route } };
    },
    async close() {
      await gateway.close();
      await facilitator.close();
    },
  };
}

async function quote(url: string): Promise<Requirement> {
  const response = await fetch(url);
  await response.arrayBuffer();
  const [offer] = decodePaymentRequiredHeader(response.headers.get('payment-required') ?? '').accepts;
  if (offer === undefined) throw new Error(`no offer at ${url}`);
  const { network, amount, asset, payTo, ...rest } = offer;
  return { ...rest, network, amount, asset, payTo };
}
