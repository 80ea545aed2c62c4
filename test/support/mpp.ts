import { Challenge, Credential } from 'mppx';
import { evm, Fetch } from 'mppx/client';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/** The signing domain of the development token. */
const USDC = { name: 'USDC', version: '2' };

/** The stock method: `evm`/`charge` for a plain account. */
export function stockMethod(key: Hex) {
  return evm.charge({ account: privateKeyToAccount(key), authorization: USDC });
}

/** The stock client of MPP: `mppx` with the `evm` method. It falls back to x402 where there is no MPP. */
export function mppFetch(key: Hex, options: Partial<Parameters<typeof Fetch.from>[0]> = {}): typeof fetch {
  return Fetch.from({ ...options, methods: [stockMethod(key)] });
}

/** The challenges of a response. */
export function mppChallengesOf({ headers }: Pick<Response, 'headers'>): readonly Challenge.Challenge[] {
  return Challenge.fromHeadersList(headers);
}

/** Asks for a URL's price and signs for it as the stock client does: the value of `Authorization`. */
export async function signMppFor(key: Hex, url: string, init: RequestInit = {}): Promise<string> {
  const response = await fetch(url, init);
  await response.arrayBuffer();
  const [challenge] = mppChallengesOf(response);
  if (challenge === undefined) throw new Error(`status ${response.status} without a challenge`);
  return await signChallenge(key, challenge);
}

/** Signs a challenge as the stock client does. */
export async function signChallenge(key: Hex, challenge: Challenge.Challenge): Promise<string> {
  // The client checks what it needs of a challenge itself.
  return await stockMethod(key).createCredential({ challenge } as never);
}

/** A credential's parts, to be changed and written again. */
export interface CredentialParts {
  challenge: Record<string, unknown>;
  payload: Record<string, unknown>;
  source?: string;
}

/** Takes a credential apart as it is on the wire. */
export function partsOf(credential: string): CredentialParts {
  return JSON.parse(Buffer.from(credential.replace(/^Payment /, ''), 'base64url').toString('utf8'));
}

/** Writes a credential, sound or not. */
export function writeCredential(parts: unknown): string {
  return `Payment ${Buffer.from(JSON.stringify(parts), 'utf8').toString('base64url')}`;
}

/** The same credential with other members. */
export function changed(
  credential: string,
  { challenge = {}, payload = {}, ...others }: Partial<CredentialParts>,
): string {
  const parts = partsOf(credential);
  return writeCredential({
    ...parts,
    challenge: { ...parts.challenge, ...challenge },
    payload: { ...parts.payload, ...payload },
    ...others,
  });
}

export { Challenge, Credential };
