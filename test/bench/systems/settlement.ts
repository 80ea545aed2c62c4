import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { createPublicClient, type Hex, http } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import type { Payment, PaymentKey } from '../../../src/domain/payment.ts';
import type { JsonObject } from '../../../src/domain/x402.ts';
import { openLocalFacilitator } from '../../../src/facilitator/local/local-facilitator.ts';
import { localSpec } from '../../support/local-spec.ts';
import { openOfficial } from '../../support/official-facilitator.ts';
import { settleInFull } from '../../support/settle-in-full.ts';
import { openPaymentSigner, type SignedTransfer } from '../payment-signer.ts';
import { usdcOffer } from '../usdc-offer.ts';
import { type Job, takeJobs } from './lifeline.ts';

/*
 * Settles payments on a local chain, as many at once as a busy gateway has: with the gateway's own facilitator, or with
 * the official code. Arguments: `turnpike` or `official`, the RPC URL, the settling key, who is paid.
 */

/** Payments that are under way at any moment. */
const AT_ONCE = 32;

/** Settles a payment and returns the transaction, or throws. */
type Settle = (signed: SignedTransfer) => Promise<Hex>;

const [kind, rpcUrl = '', key, payTo] = process.argv.slice(2);
const settlerKey = key as Hex;
const offer = usdcOffer(payTo);
const sign = await openPaymentSigner();
const settle = kind === 'official' ? await official() : turnpike();
const node = createPublicClient({ transport: http(rpcUrl) });

takeJobs(async (job: Job) => {
  if (job.kind !== 'settle') throw new Error(`a settler has no such job: ${job.kind}`);
  const startedAt = performance.now();
  const transactions = await settleFor(job.seconds);
  const seconds = (performance.now() - startedAt) / 1000;
  if (job.per === 'second') return transactions.length / seconds;
  const gas = await Promise.all([...new Set(transactions)].map(gasOf));
  return (transactions.length * 1_000_000) / gas.reduce((sum, used) => sum + used, 0);
});

async function settleFor(seconds: number): Promise<Hex[]> {
  const until = performance.now() + seconds * 1000;
  const done: Hex[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (performance.now() < until) done.push(await settle(sign(offer.requirements)));
    }),
  );
  return done;
}

async function gasOf(hash: Hex): Promise<number> {
  return Number((await node.getTransactionReceipt({ hash })).gasUsed);
}

function turnpike(): Settle {
  const facilitator = openLocalFacilitator(
    localSpec({ network: offer.network, rpcUrl }, settlerKey, { settleTimeoutMs: 30_000 }),
  );
  return async (signed) => {
    const outcome = await settleInFull(facilitator, paymentOf(signed), async () => {});
    if (outcome.kind !== 'settled') throw new Error(`not settled: ${outcome.reason}`);
    return outcome.settlement.transaction as Hex;
  };
}

async function official(): Promise<Settle> {
  const facilitator = await openOfficial(rpcUrl, settlerKey);
  const requirements = { ...offer.requirements, extra: { ...offer.requirements.extra } } as PaymentRequirements;
  return async (signed) => {
    const payload: PaymentPayload = { x402Version: 2, accepted: requirements, payload: { ...signed } };
    const answer = await facilitator.settle(payload, requirements);
    if (!answer.success) throw new Error(`not settled: ${answer.errorReason} ${privateKeyToAddress(settlerKey)}`);
    return answer.transaction as Hex;
  };
}

function paymentOf(signed: SignedTransfer): Payment {
  const payload: JsonObject = { signature: signed.signature, authorization: { ...signed.authorization } };
  const { nonce, from, validBefore } = signed.authorization;
  return {
    submission: { version: 2, payload: { x402Version: 2, accepted: offer.requirements, payload } },
    offer,
    resourceUrl: 'https://api.example.com/paid',
    authorization: {
      key: `${from}|${nonce}` as PaymentKey,
      payer: from,
      expiresAt: Number(validBefore),
      digest: nonce,
      proved: true,
    },
  };
}
