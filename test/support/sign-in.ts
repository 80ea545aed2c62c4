import { x402Client, x402HTTPClient } from '@x402/core/client';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { createSIWxClientExtension, createSIWxMessage, encodeSIWxHeader } from '@x402/extensions/sign-in-with-x';
import { wrapFetchWithPayment } from '@x402/fetch';
import { privateKeyToAccount } from 'viem/accounts';
import { challengeOf } from './buyer.ts';
import type { Payer } from './devnet.ts';

/** What a 402 declares for signing in. */
export interface DeclaredSignIn {
  readonly info: Readonly<Record<string, string>>;
  readonly supportedChains: readonly { readonly chainId: string; readonly type: string }[];
}

/** The official client with the official extension: signs in where it can, and else pays. */
export function signingInFetch(payer: Payer): typeof fetch {
  const account = privateKeyToAccount(payer.key);
  const client = new x402Client().register('eip155:*', new ExactEvmScheme(account));
  client.registerExtension(createSIWxClientExtension({ signers: [account] }));
  return wrapFetchWithPayment(fetch, new x402HTTPClient(client));
}

/** What the 402 of a URL declares. */
export async function declaredAt(url: string, init: RequestInit = {}): Promise<DeclaredSignIn> {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  return declaredIn(challengeOf(response).extensions);
}

/** What the extensions of a price declare. */
export function declaredIn(extensions: Readonly<Record<string, unknown>> | undefined): DeclaredSignIn {
  const declared = extensions?.['sign-in-with-x'];
  if (!isDeclared(declared)) throw new Error('no sign-in is declared');
  return declared;
}

function isDeclared(value: unknown): value is DeclaredSignIn {
  return value instanceof Object && 'info' in value && 'supportedChains' in value;
}

/** Signs what a 402 declares, with `changes` to what is signed and sent: the value of `SIGN-IN-WITH-X`. */
export async function signInFor(
  payer: Payer,
  url: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return await signDeclared(payer, await declaredAt(url), changes);
}

/** The same for what was declared before. */
export async function signDeclared(
  payer: Payer,
  { info, supportedChains }: DeclaredSignIn,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const [chain] = supportedChains;
  if (chain === undefined) throw new Error('no chain is declared');
  const account = privateKeyToAccount(payer.key);
  const fields = { ...info, ...chain, ...changes } as Parameters<typeof createSIWxMessage>[0];
  const signature = await account.signMessage({ message: createSIWxMessage(fields, account.address) });
  return encodeSIWxHeader({ ...fields, type: 'eip191', address: account.address, signature });
}
