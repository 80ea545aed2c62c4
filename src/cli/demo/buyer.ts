import { x402Client } from '@x402/core/client';
import { wrapFetchWithPayment } from '@x402/fetch';
import { privateKeyToAccount } from 'viem/accounts';
import type { DevnetAccount } from '../../devnet/accounts.ts';
import { registerEvmSchemes } from '../evm-schemes.ts';

/** One request of the buyer's client, and its answer. */
export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly sent: Headers;
  readonly status: number;
  readonly received: Headers;
}

/** What the buyer saw: every request that the client made, and the body of the last answer. */
export interface Purchase {
  readonly exchanges: readonly Exchange[];
  readonly body: string;
}

/** Buys a resource with the official client and its default limits, the way any buyer does. */
export async function buy(url: string, buyer: DevnetAccount, init?: RequestInit): Promise<Purchase> {
  const exchanges: Exchange[] = [];
  const watched: typeof globalThis.fetch = async (input, given) => {
    const request = new Request(input, given);
    const { method, url: asked, headers: sent } = request;
    const response = await fetch(request);
    exchanges.push({ method, url: asked, sent, status: response.status, received: response.headers });
    return response;
  };
  const client = registerEvmSchemes(new x402Client(), privateKeyToAccount(buyer.key));
  const response = await wrapFetchWithPayment(watched, client)(url, init);
  return { exchanges, body: await response.text() };
}
