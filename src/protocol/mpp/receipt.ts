import { evmChainId } from '../../domain/network.ts';
import type { Receipt } from '../../domain/receipt.ts';
import { encodeBase64url } from './base64url.ts';
import { METHOD } from './charge-request.ts';

/** The content of `Payment-Receipt`. */
export interface MppReceipt {
  readonly method: string;
  /** Transaction hash. */
  readonly reference: string;
  readonly status: 'success';
  /** RFC 3339. */
  readonly timestamp: string;
  readonly chainId?: number;
}

/** The receipt of a settlement; `undefined` where no money moved, for which there is no receipt. */
export function mppReceipt(receipt: Receipt): MppReceipt | undefined {
  if (receipt.kind !== 'settled') return undefined;
  const chainId = evmChainId(receipt.network);
  return {
    method: METHOD,
    reference: receipt.transaction,
    status: 'success',
    timestamp: new Date(receipt.settledAt).toISOString(),
    ...(chainId === undefined ? {} : { chainId }),
  };
}

/** Writes the value of `Payment-Receipt`. @see draft-httpauth-payment-00, "Payment-Receipt Header" */
export function encodeReceipt(receipt: MppReceipt): string {
  return encodeBase64url(JSON.stringify(receipt));
}

/** Whether an answer may carry a receipt: an error and a redirect may not. */
export function carriesReceipt(status: number): boolean {
  return (status >= 200 && status < 300) || status === 101;
}
