import { generateKeyPairSigner, type KeyPairSigner } from '@solana/kit';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { challengeOf } from '../buyer.ts';
import { toHeader } from '../payment-header.ts';
import { SVM_NETWORK, type SvmChain, startSvmChain } from '../svm/local-chain.ts';
import { type OfficialSvmFacilitator, startOfficialSvm } from '../svm/official-facilitator.ts';
import type { Field, PaymentKind, PaymentWorld, SignedPayment } from './payment-kind.ts';

/** x402 version 2 with a transaction of Solana, settled by the official facilitator beside a node of the gateway's own. */
export const x402OnSolana: PaymentKind = {
  name: 'x402 on Solana',
  onCredit: true,
  forOneRoute: false,
  async start(): Promise<PaymentWorld> {
    const [chain, payee, settler] = await Promise.all([
      startSvmChain(),
      generateKeyPairSigner(),
      generateKeyPairSigner(),
    ]);
    chain.fund(payee.address, 0n);
    chain.fund(settler.address, 0n);
    const official = await startOfficialSvm(chain.rpcUrl, settler);
    return {
      settings: (upstream) => `upstream: ${upstream}
payTo: "${payee.address}"
accepts: [solana-devnet]
store: memory
facilitator: { url: "${official.url}", rpc: { solana-devnet: "${chain.rpcUrl}" } }
`,
      async buyer(funds) {
        const signer = await generateKeyPairSigner();
        chain.fund(signer.address, funds === 'none' ? 0n : 1_000_000n);
        return {
          sign: (url, method = 'GET') => sign(chain, official, signer, url, method),
          async signExpired(url) {
            const { field } = await sign(chain, official, signer, url, 'GET');
            chain.expireBlockhash();
            return field;
          },
        };
      },
      received: async () => chain.balance(payee.address),
      async close() {
        await official.close();
        await chain.close();
      },
    };
  },
};

async function sign(
  { rpcUrl }: SvmChain,
  official: OfficialSvmFacilitator,
  signer: KeyPairSigner,
  url: string,
  method: string,
): Promise<SignedPayment> {
  const [accepted] = challengeOf(await fetch(url, { method })).accepts;
  if (accepted === undefined) throw new Error('a 402 without a way to pay');
  const made = await new ExactSvmScheme(signer, { rpcUrl }).createPaymentPayload(2, accepted);
  const { transaction } = made.payload as { transaction: string };
  const payment = { x402Version: 2, accepted, payload: { transaction } };
  return {
    field: fieldOf(payment),
    spellings: spellings(payment),
    tampered: tampered(payment),
    async frontRun() {
      const body = { x402Version: 2, paymentPayload: payment, paymentRequirements: accepted };
      const headers = { 'content-type': 'application/json' };
      const settled = await fetch(`${official.url}/settle`, { method: 'POST', headers, body: JSON.stringify(body) });
      const { success } = (await settled.json()) as { success: boolean };
      if (!success) throw new Error('the facilitator did not settle it');
    },
  };
}

interface Stated {
  readonly x402Version: number;
  readonly accepted: { readonly network: string };
  readonly payload: { readonly transaction: string };
}

function fieldOf(payment: object): Field {
  return ['PAYMENT-SIGNATURE', toHeader(payment)];
}

/** The fee payer has not signed yet, so that whoever carries the transaction can write anything into its place. */
function spellings(payment: Stated): Field[] {
  const { payload } = payment;
  const another = changedAt(payload.transaction, 1, 7);
  const [, header] = fieldOf(payment);
  return [
    fieldOf(payment),
    ['PAYMENT-SIGNATURE', header.replace(/=+$/, '')],
    fieldOf({ ...payment, payload: { transaction: another } }),
    fieldOf({ ...payment, payload: { ...payload, more: 1 } }),
    fieldOf({ ...payment, extensions: { any: { info: {} } }, nonsense: true }),
    ['PAYMENT-SIGNATURE', Buffer.from(JSON.stringify(payment, null, 2)).toString('base64')],
    fieldOf({ payload, accepted: payment.accepted, x402Version: 2 }),
  ];
}

/** Where the parts of the official client's transaction stand: two signatures of 64 bytes, then the message. */
const MESSAGE_AT = 1 + 2 * 64;

function tampered(payment: Stated): (readonly [string, Field])[] {
  const { transaction } = payment.payload;
  const { length } = Buffer.from(transaction, 'base64');
  const withTransaction = (text: string): Field => fieldOf({ ...payment, payload: { transaction: text } });
  return [
    ["the buyer's signature", withTransaction(changedAt(transaction, 1 + 64, 1))],
    ['the payer of the fees', withTransaction(changedAt(transaction, MESSAGE_AT + 5, 1))],
    ['the payer', withTransaction(changedAt(transaction, MESSAGE_AT + 5 + 32, 1))],
    ['an account', withTransaction(changedAt(transaction, MESSAGE_AT + 5 + 64, 1))],
    ['the end', withTransaction(changedAt(transaction, length - 2, 1))],
    ['the price that it says it accepted', fieldOf({ ...payment, accepted: { ...payment.accepted, amount: '1' } })],
    ['the network', fieldOf({ ...payment, accepted: { ...payment.accepted, network: `${SVM_NETWORK}x` } })],
  ];
}

function changedAt(base64: string, at: number, by: number): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes.writeUInt8(bytes.readUInt8(at) ^ by, at);
  return bytes.toString('base64');
}
