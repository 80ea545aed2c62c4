import type { NetworkFamily } from '../../domain/network-family.ts';

/** Longest body that is searched, in bytes: a refusal is short, and a long page of a firewall holds all kinds of words. */
const MAX_BYTES = 16 * 1024;

/** Ids of transactions are single words on EVM, Solana, Stellar, Algorand and Aptos. */
const WORD = /[0-9A-Za-z]+/g;

/**
 * A transaction that an answer names, in whatever member or text: an answer that says that nothing was sent, and names
 * what was sent, proves nothing. What the request itself held, such as the nonce of its authorization, is no
 * transaction.
 *
 * @param family that of the payment's network; `undefined` when it is not known, and with it the form of a transaction
 */
export function namedTransaction(
  body: Uint8Array,
  request: string,
  family: NetworkFamily | undefined,
): string | undefined {
  if (family === undefined || body.byteLength > MAX_BYTES) return undefined;
  const asked = request.toLowerCase();
  for (const [word] of Buffer.from(body).toString('latin1').matchAll(WORD)) {
    if (family.isTransaction(word) && !asked.includes(word.toLowerCase())) return word;
  }
  return undefined;
}
