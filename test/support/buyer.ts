import { x402Client } from '@x402/core/client';
import {
  decodePaymentRequiredHeader,
  decodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from '@x402/core/http';
import type { PaymentRequired, SettleResponse } from '@x402/core/types';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { type Devnet, type Payer, signPayment } from './devnet.ts';

/** The stock client: `@x402/fetch` with the `exact` scheme, for a plain account. */
export function stockFetch(key: Hex): typeof fetch {
  const client = new x402Client().register('eip155:*', new ExactEvmScheme(privateKeyToAccount(key)));
  return wrapFetchWithPayment(fetch, client);
}

/** The stock client with the `upto` scheme too. */
export function stockUptoFetch(key: Hex): typeof fetch {
  const account = privateKeyToAccount(key);
  const client = new x402Client()
    .register('eip155:*', new ExactEvmScheme(account))
    .register('eip155:*', new UptoEvmScheme(account));
  return wrapFetchWithPayment(fetch, client);
}

/** Asks for a URL's price and signs for its maximum: the value of `PAYMENT-SIGNATURE`. */
export async function signUptoFor(payer: Payer, url: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  const { accepts, resource } = challengeOf(response);
  const [accepted] = accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const made = await new UptoEvmScheme(privateKeyToAccount(payer.key)).createPaymentPayload(2, accepted);
  return encodePaymentSignatureHeader({ ...made, accepted, resource });
}

/** The price that a response states. */
export function challengeOf(response: Response): PaymentRequired {
  return decodePaymentRequiredHeader(headerOf(response, 'payment-required'));
}

/** The settlement that a response states. */
export function settlementOf(response: Response): SettleResponse {
  return decodePaymentResponseHeader(headerOf(response, 'payment-response'));
}

/** Asks for a URL's price and signs a payment for it: the value of `PAYMENT-SIGNATURE`. */
export async function signFor(devnet: Devnet, payer: Payer, url: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  const { accepts, resource } = challengeOf(response);
  const [accepted] = accepts;
  if (accepted === undefined) throw new Error('a challenge without offers');
  const payment = await signPayment(devnet, payer, accepted);
  return encodePaymentSignatureHeader({ ...payment, resource });
}

function headerOf(response: Response, name: string): string {
  const value = response.headers.get(name);
  if (value === null) throw new Error(`status ${response.status} without ${name}`);
  return value;
}
