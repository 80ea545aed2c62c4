import { type Hex, verifyTypedData } from 'viem';
import type { Offer } from '../../../src/domain/offer.ts';
import { loadExactEvm } from '../../../src/scheme/exact-evm/exact-evm.ts';
import { TRANSFER_TYPES } from '../../support/exact-evm-payments.ts';
import { openPaymentSigner, type SignedTransfer } from '../payment-signer.ts';
import { usdcOffer } from '../usdc-offer.ts';
import { type Job, takeJobs } from './lifeline.ts';

/*
 * The gateway's offline check of an EIP-3009 payment, and viem's general one, on one thread.
 */

/** Payments to go through, so that no result can be remembered by a branch predictor or a cache. */
const PAYMENTS = 512;

type Check = (payment: SignedTransfer) => Promise<boolean>;

const offer = usdcOffer();
const sign = await openPaymentSigner();
const scheme = await loadExactEvm();

const checks: Readonly<Record<'turnpike' | 'viem', Check>> = {
  async turnpike({ signature, authorization }) {
    const result = await scheme.authenticate({ signature, authorization }, offer, Date.now() / 1000);
    return result.kind === 'authentic' && result.authorization.proved;
  },
  async viem({ signature, authorization }) {
    const { from, to, value, validAfter, validBefore, nonce } = authorization;
    try {
      return await verifyTypedData({
        address: from as Hex,
        domain: { ...domainOf(offer), chainId: 84532, verifyingContract: offer.asset.address as Hex },
        types: TRANSFER_TYPES,
        primaryType: 'TransferWithAuthorization',
        message: {
          from: from as Hex,
          to: to as Hex,
          value: BigInt(value),
          validAfter: BigInt(validAfter),
          validBefore: BigInt(validBefore),
          nonce: nonce as Hex,
        },
        signature,
      });
    } catch {
      return false; // r or s out of range
    }
  },
};

takeJobs(async (job: Job) => {
  switch (job.kind) {
    case 'check':
      return await rateOf(checks[job.with], job.seconds);
    case 'judge':
      return await judge(checks[job.with]);
    case 'load':
    case 'settle':
      throw new Error(`a checker has no such job: ${job.kind}`);
  }
});

async function rateOf(check: Check, seconds: number): Promise<number> {
  const payments = Array.from({ length: PAYMENTS }, () => sign(offer.requirements));
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  let done = 0;
  while (performance.now() < until) {
    for (let i = 0; i < 16; i += 1) {
      const payment = payments[(done + i) % PAYMENTS];
      if (payment === undefined || !(await check(payment))) throw new Error('a good payment was refused');
    }
    done += 16;
  }
  return done / ((performance.now() - startedAt) / 1000);
}

/** Good, foreign, tampered with, broken. */
async function judge(check: Check): Promise<number> {
  const good = sign(offer.requirements);
  const other = sign(offer.requirements);
  const later = { ...good.authorization, validBefore: String(Number(good.authorization.validBefore) + 1) };
  const list: SignedTransfer[] = [
    good,
    { ...good, signature: other.signature },
    { ...good, authorization: later },
    { ...good, signature: `0x${'00'.repeat(65)}` },
    other,
  ];
  const verdicts = await Promise.all(list.map(check));
  return verdicts.reduce((sum, verdict, index) => sum + (verdict ? 2 ** index : 0), 0);
}

function domainOf({ asset: { name = '', version = '' } }: Offer): { name: string; version: string } {
  return { name, version };
}
