import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Violations } from './violations.ts';
import type { SignedPayment, Wallet } from './wallet.ts';

/** A facilitator that accepts only payments that were really signed, as a chain would. */
export interface FuzzFacilitator {
  readonly url: string;
  readonly counts: { verify: number; settle: number };
  close(): Promise<void>;
}

/** Starts the facilitator. `wallet` is read late, because its price is only known when the gateway runs. */
export async function startFuzzFacilitator(wallet: () => Wallet, violations: Violations): Promise<FuzzFacilitator> {
  const counts = { verify: 0, settle: 0 };
  const server = createServer(async (req, res) => {
    const endpoint = req.url?.split('/').at(-1);
    const text = await readText(req);
    const answer = (): object => {
      if (endpoint === 'supported') {
        const kind = { scheme: 'exact', network: 'eip155:84532' };
        return {
          kinds: [
            { x402Version: 2, ...kind },
            { x402Version: 1, ...kind, network: 'base-sepolia' },
          ],
          extensions: [],
          signers: {},
        };
      }
      const { paymentPayload, paymentRequirements } = JSON.parse(text);
      const payment = signedAs(wallet(), paymentPayload.payload);
      const payer = paymentPayload.payload?.authorization?.from;
      if (endpoint === 'verify') {
        counts.verify += 1;
        return payment === undefined
          ? { isValid: false, invalidReason: 'invalid_exact_evm_payload_signature', payer }
          : { isValid: true, payer };
      }
      counts.settle += 1;
      const failed = { success: false, transaction: '', network: paymentRequirements.network, payer };
      if (payment === undefined) return { ...failed, errorReason: 'invalid_exact_evm_payload_signature' };
      payment.settled += 1;
      if (payment.settled > 1) violations.add('settled twice', `by ${payment.payer}`);
      const transaction = `0x${createHash('sha256').update(payment.payer).digest('hex')}`;
      return { ...failed, success: true, transaction };
    };
    const body = JSON.stringify(answer());
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/facilitator`,
    counts,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The wallet's payment with exactly this payload, as it was signed. */
function signedAs(wallet: Wallet, payload: unknown): SignedPayment | undefined {
  const { signature, authorization } = payload as { signature?: unknown; authorization?: Record<string, unknown> };
  const payment = wallet.of(String(authorization?.['from']));
  if (payment === undefined || String(signature).toLowerCase() !== payment.parts.signature.toLowerCase())
    return undefined;
  const isSigned = Object.entries(payment.parts.authorization).every(
    ([name, value]) => String(authorization?.[name]).toLowerCase() === value.toLowerCase(),
  );
  return isSigned ? payment : undefined;
}

async function readText(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
