import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import {
  type Devnet,
  freshPayer,
  type Payer,
  requirementsOn,
  startDevnet,
  transferWithAuthorization,
} from '../devnet.ts';
import type { PaymentParts } from '../payment-header.ts';
import { settings } from '../settings.ts';
import type { Field, PaymentWorld, SignedPayment } from './payment-kind.ts';

/** Signs what the 402 of a URL asks for. */
export interface EvmSigner {
  sign(devnet: Devnet, payer: Payer, url: string, method: string): Promise<SignedPayment>;
  signExpired(payer: Payer, url: string): Promise<Field>;
}

/** The local EVM chain, which the local facilitator settles on. */
export async function startEvmWorld(signer: EvmSigner, more = ''): Promise<PaymentWorld> {
  const devnet = await startDevnet();
  return {
    settings: (upstream) => settings(devnet, upstream) + more,
    async buyer(funds) {
      const payer = funds === 'none' ? pauper() : await freshPayer(devnet);
      return {
        sign: (url, method = 'GET') => signer.sign(devnet, payer, url, method),
        signExpired: (url) => signer.signExpired(payer, url),
      };
    },
    received: () => devnet.usdcBalanceOf(devnet.accounts.payee.address),
    close: () => devnet.close(),
  };
}

function pauper(): Payer {
  const key = generatePrivateKey();
  return { key, address: privateKeyToAccount(key).address };
}

/** Sends a payment to the chain, as anybody can who has seen it. */
export async function sendToChain(
  devnet: Devnet,
  signed: Omit<PaymentParts, 'x402Version' | 'accepted'>,
): Promise<void> {
  const { authorization, signature } = signed;
  const payload = { signature, authorization };
  await transferWithAuthorization(devnet, { x402Version: 2, accepted: requirementsOn(devnet), payload });
}

/** Seconds of a moment ago. */
export function longAgo(): string {
  return String(Math.floor(Date.now() / 1000) - 60);
}

/** Another digit in the place of the last one. */
export function otherEnd(hex: string): string {
  return `${hex.slice(0, -1)}${hex.endsWith('0') ? '1' : '0'}`;
}
