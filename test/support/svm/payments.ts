import type { KeyPairSigner } from '@solana/kit';
import { toFacilitatorSvmSigner } from '@x402/svm';
import { ExactSvmScheme } from '@x402/svm/exact/client';
import { parseAmount } from '../../../src/domain/amount.ts';
import type { Network } from '../../../src/domain/network.ts';
import type { Offer } from '../../../src/domain/offer.ts';
import type { Payment } from '../../../src/domain/payment.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { createExactSvm } from '../../../src/scheme/exact-svm/exact-svm.ts';
import { SVM_NETWORK, SVM_USDC } from './local-chain.ts';

/** Who takes part in a payment. */
export interface SvmParties {
  readonly rpcUrl: string;
  readonly buyer: KeyPairSigner;
  readonly payee: string;
  /** Pays the fees, as a facilitator does. */
  readonly settler: KeyPairSigner;
}

/** A payment that the official client signed, and what a facilitator does with it. */
export interface SvmPayment {
  readonly payment: Payment;
  /** Signs as the payer of the fees and sends it; gives what the transaction is called. */
  land(): Promise<string>;
}

/** What the price is, in atomic units. */
export const SVM_PRICE = 10_000n;

/** Makes one of {@link SVM_PRICE}. */
export async function makeSvmPayment(parties: SvmParties, mint: string = SVM_USDC): Promise<SvmPayment> {
  const { rpcUrl, buyer, settler } = parties;
  const offer = svmOffer(parties, mint);
  const scheme = new ExactSvmScheme(buyer, { rpcUrl });
  const made = await scheme.createPaymentPayload(2, offer.requirements as never);
  const payload = made.payload as JsonObject & { transaction: string };
  const read = await createExactSvm().authenticate(payload, offer, Date.now() / 1000);
  if (read.kind !== 'authentic') throw new Error(`the official client signs what is ${JSON.stringify(read)}`);
  const { authorization } = read;
  const submission = { version: 2, payload: { x402Version: 2, accepted: offer.requirements, payload } } as const;
  return {
    payment: { submission, offer, authorization, resourceUrl: 'https://api.example.com/paid' },
    async land() {
      const signer = toFacilitatorSvmSigner(settler, { defaultRpcUrl: rpcUrl });
      const signed = await signer.signTransaction(payload.transaction, settler.address, SVM_NETWORK);
      return String(await signer.sendTransaction(signed, SVM_NETWORK));
    },
  };
}

function svmOffer({ payee: payTo, settler }: SvmParties, mint: string): Offer {
  const network = SVM_NETWORK as Network;
  const amount = parseAmount(String(SVM_PRICE));
  if (amount === undefined) throw new Error('the price is an amount');
  const terms = { scheme: 'exact', network, payTo, maxTimeoutSeconds: 300 } as const;
  const extra = { feePayer: settler.address };
  return {
    ...terms,
    asset: { network, address: mint, symbol: 'USDC', decimals: 6 },
    amount,
    v1Network: undefined,
    requirements: { ...terms, amount: String(SVM_PRICE), asset: mint, extra },
  };
}
