import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { type Amount, formatAmount } from '../../src/domain/amount.ts';
import type { TypedDataToken } from '../../src/domain/asset.ts';
import { evmChainId, type Network } from '../../src/domain/network.ts';
import type { Offer } from '../../src/domain/offer.ts';
import { EXACT_PERMIT2_PROXY, PERMIT2 } from '../../src/evm/addresses.ts';

/** EIP-712 types of an EIP-3009 transfer, as viem wants them. */
export const TRANSFER_TYPES = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/** EIP-712 types of an `exact` Permit2 transfer, as viem wants them. */
export const PERMIT_TYPES = {
  PermitWitnessTransferFrom: [
    { name: 'permitted', type: 'TokenPermissions' },
    { name: 'spender', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'witness', type: 'Witness' },
  ],
  TokenPermissions: [
    { name: 'token', type: 'address' },
    { name: 'amount', type: 'uint256' },
  ],
  Witness: [
    { name: 'to', type: 'address' },
    { name: 'validAfter', type: 'uint256' },
  ],
} as const;

/** A key of no value, and the account behind it. */
export const buyer = privateKeyToAccount(`0x${'11'.repeat(32)}`);
/** Somebody else. */
export const stranger = privateKeyToAccount(`0x${'22'.repeat(32)}`);

/** An offer of 0.01 USDC on Base Sepolia, with changed parts. */
export function exactOffer(changed: Partial<TypedDataToken> & { amount?: bigint; payTo?: string } = {}): Offer {
  const { amount = 10_000n, payTo = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C', ...changedAsset } = changed;
  const asset: TypedDataToken = {
    network: 'eip155:84532' as Network,
    address: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
    symbol: 'USDC',
    decimals: 6,
    name: 'USDC',
    version: '2',
    transferMethod: 'eip3009',
    ...changedAsset,
  };
  const facts = { scheme: 'exact', network: asset.network, payTo, maxTimeoutSeconds: 60 };
  const extra =
    asset.transferMethod === 'permit2'
      ? { assetTransferMethod: 'permit2' }
      : { name: asset.name, version: asset.version };
  const wireAmount = formatAmount(amount as Amount);
  return {
    ...facts,
    asset,
    amount: amount as Amount,
    v1Network: asset.transferMethod === 'eip3009' ? 'base-sepolia' : undefined,
    requirements: { ...facts, amount: wireAmount, asset: asset.address, extra },
  };
}

/** The authorization of a transfer, as text on the wire. */
export interface TransferText {
  readonly from: string;
  readonly to: string;
  readonly value: string;
  readonly validAfter: string;
  readonly validBefore: string;
  readonly nonce: string;
}

/** Signs a transfer for an offer; `changed` is signed too. */
export async function signTransfer(
  offer: Offer,
  validBefore: number,
  changed: Partial<TransferText> = {},
  signer = buyer,
): Promise<{ signature: Hex; authorization: TransferText }> {
  const authorization: TransferText = {
    from: buyer.address,
    to: offer.payTo,
    value: offer.requirements.amount,
    validAfter: '0',
    validBefore: String(validBefore),
    nonce: `0x${'ab'.repeat(32)}`,
    ...changed,
  };
  const { asset } = offer;
  const signature = await signer.signTypedData({
    domain: {
      name: asset.name,
      version: asset.version,
      chainId: evmChainId(asset.network) ?? 0,
      verifyingContract: asset.address as Hex,
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
  return { signature, authorization };
}

/** The authorization of a permit, as text on the wire. */
export interface PermitText {
  readonly from: string;
  readonly permitted: { readonly token: string; readonly amount: string };
  readonly spender: string;
  readonly nonce: string;
  readonly deadline: string;
  readonly witness: { readonly to: string; readonly validAfter: string };
}

/** Signs a permit for an offer; `changed` is signed too. */
export async function signPermit(
  offer: Offer,
  deadline: number,
  changed: Partial<PermitText> = {},
  signer = buyer,
): Promise<{ signature: Hex; permit2Authorization: PermitText }> {
  const permit: PermitText = {
    from: buyer.address,
    permitted: { token: offer.asset.address, amount: offer.requirements.amount },
    spender: EXACT_PERMIT2_PROXY,
    nonce: '7',
    deadline: String(deadline),
    witness: { to: offer.payTo, validAfter: '0' },
    ...changed,
  };
  const signature = await signer.signTypedData({
    domain: { name: 'Permit2', chainId: evmChainId(offer.network) ?? 0, verifyingContract: PERMIT2 },
    types: PERMIT_TYPES,
    primaryType: 'PermitWitnessTransferFrom',
    message: {
      permitted: { token: permit.permitted.token as Hex, amount: BigInt(permit.permitted.amount) },
      spender: permit.spender as Hex,
      nonce: BigInt(permit.nonce),
      deadline: BigInt(permit.deadline),
      witness: { to: permit.witness.to as Hex, validAfter: BigInt(permit.witness.validAfter) },
    },
  });
  return { signature, permit2Authorization: permit };
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** Other encodings of one signature. */
export const reencode = {
  /** The malleable twin: `s` above half the order, the other parity. */
  highS: (signature: Hex): Hex => {
    const s = ORDER - BigInt(`0x${signature.slice(66, 130)}`);
    const v = signature.slice(130) === '1b' ? '1c' : '1b';
    return `${signature.slice(0, 66) as Hex}${s.toString(16).padStart(64, '0')}${v}`;
  },
  /** Parity as 0 and 1 in place of 27 and 28. */
  zeroV: (signature: Hex): Hex => `${signature.slice(0, 130) as Hex}${signature.slice(130) === '1b' ? '00' : '01'}`,
  /** EIP-2098: 64 bytes, the parity in the top bit of `s`. */
  compact: (signature: Hex): Hex => {
    const parity = signature.slice(130) === '1b' ? 0n : 1n;
    const s = BigInt(`0x${signature.slice(66, 130)}`) | (parity << 255n);
    return `${signature.slice(0, 66) as Hex}${s.toString(16).padStart(64, '0')}`;
  },
  /** The last byte replaced. */
  withV: (signature: Hex, v: number): Hex => `${signature.slice(0, 130) as Hex}${v.toString(16).padStart(2, '0')}`,
};
