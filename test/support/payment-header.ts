import { randomBytes } from 'node:crypto';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { TRANSFER_TYPES } from './exact-evm-payments.ts';

/** What an EIP-3009 payment states and signs; every part can be made wrong. */
export interface PaymentParts {
  readonly x402Version: number;
  readonly accepted: Record<string, unknown>;
  readonly authorization: Record<string, string>;
  readonly signature: Hex;
  readonly resource?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

/** The requirement that a challenge states, as far as signing needs it. */
export interface Requirement {
  readonly network: string;
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly [key: string]: unknown;
}

/**
 * Signs a v2 payment by hand, with `changed` facts in the authorization and a domain of choice. A stock client would
 * refuse to sign most of what attackers sign.
 */
export async function handSigned(
  key: Hex,
  requirement: Requirement,
  changed: { readonly authorization?: Record<string, string>; readonly domain?: Record<string, unknown> } = {},
): Promise<PaymentParts> {
  const account = privateKeyToAccount(key);
  const authorization = {
    from: account.address,
    to: requirement.payTo,
    value: requirement.amount,
    validAfter: '0',
    validBefore: String(Math.floor(Date.now() / 1000) + 60),
    nonce: `0x${randomBytes(32).toString('hex')}`,
    ...changed.authorization,
  };
  const signature = await account.signTypedData({
    domain: {
      name: 'USDC',
      version: '2',
      chainId: Number(requirement.network.split(':')[1]),
      verifyingContract: requirement.asset as Hex,
      ...changed.domain,
    },
    types: TRANSFER_TYPES,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: authorization.from as Hex,
      to: authorization.to as Hex,
      value: BigInt(authorization.value),
      validAfter: BigInt(authorization.validAfter),
      validBefore: BigInt(authorization.validBefore),
      nonce: authorization.nonce as Hex,
    },
  });
  return { x402Version: 2, accepted: { ...requirement }, authorization, signature };
}

/** Writes a payment as `PAYMENT-SIGNATURE` carries it. */
export function encodePayment({ authorization, signature, ...rest }: PaymentParts): string {
  return toHeader({ ...rest, payload: { signature, authorization } });
}

/** Base64 of JSON. */
export function toHeader(value: unknown): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64');
}

/** The other signature that the same key and message have: `s` above half the order, the other `v`. */
export function highS(signature: Hex): Hex {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
  const s = order - BigInt(`0x${signature.slice(66, 130)}`);
  const v = signature.slice(130) === '1b' ? '1c' : '1b';
  return `${signature.slice(0, 66)}${s.toString(16).padStart(64, '0')}${v}` as Hex;
}
