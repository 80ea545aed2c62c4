import { isErc6492Signature, parseErc6492Signature } from 'viem';
import type { Amount } from '../../domain/amount.ts';
import type { Payment } from '../../domain/payment.ts';
import { type Address, type Hex, parseAddress, parseHex } from '../../evm/address.ts';
import { PERMIT2 } from '../../evm/addresses.ts';
import { createDigests, type Digests } from '../../evm/eip712.ts';
import { type Eip2612Permit, readEip2612Permit } from '../../evm/eip2612.ts';
import { type Eip3009Payload, readEip3009Payload } from '../../evm/eip3009.ts';
import { loadKeccak256 } from '../../evm/keccak.ts';
import { EXACT_PERMIT, type Permit2Payload } from '../../evm/permit2.ts';
import { loadSignerRecovery, type SignerRecovery } from '../../evm/signer-recovery.ts';
import { UPTO_PERMIT, type UptoPayload } from '../../evm/upto/upto-permit.ts';

/** The call that creates a payer's wallet, from an ERC-6492 signature. The client states it; nothing proves it. */
export interface WalletDeployment {
  readonly factory: Address;
  readonly data: Hex;
}

/** What every signed transfer holds. `amount` is what we ask for, in atomic units. */
interface TransferFacts {
  readonly asset: Address;
  readonly payer: Address;
  readonly payTo: Address;
  readonly amount: Amount;
  /** The EIP-712 digest that was signed, 32 bytes. */
  readonly digest: Hex;
  /** The signature that the contract gets, without its ERC-6492 wrapping. */
  readonly signature: Hex;
  /** Whether `payer`'s own key made the signature, in the form that tokens accept. Says nothing of accounts with code. */
  readonly signedByKey: boolean;
}

/** A payment as the chain will see it. */
export type Transfer = Eip3009Transfer | Permit2Transfer | UptoTransfer;

/** A transfer that the token itself makes on a signed authorization. */
export interface Eip3009Transfer extends TransferFacts {
  readonly method: 'eip3009';
  readonly signed: Eip3009Payload;
  readonly deployment: WalletDeployment | undefined;
}

/** A transfer that Permit2 makes through the x402 proxy. */
export interface Permit2Transfer extends TransferFacts, ApprovedAlong {
  readonly method: 'permit2';
  readonly signed: Permit2Payload;
}

/** A payer may add the approval of Permit2 to the payment; it then goes on chain with the transfer. */
interface ApprovedAlong {
  readonly approval: Eip2612Permit | 'malformed' | undefined;
}

/** A transfer of a part of what was signed for, that Permit2 makes through the `upto` proxy of x402. */
export interface UptoTransfer extends TransferFacts, ApprovedAlong {
  readonly method: 'upto';
  readonly signed: UptoPayload;
  /** What our offer asked the payer to sign for. */
  readonly maximum: Amount;
}

/** What reading a payment computes with. */
export interface ReadTools {
  readonly digests: Digests;
  readonly recovery: SignerRecovery;
}

/** Loads what {@link readTransfer} computes with; it is WebAssembly or native and loads asynchronously. */
export async function loadReadTools(): Promise<ReadTools> {
  const keccak256 = await loadKeccak256();
  return { digests: createDigests(keccak256), recovery: await loadSignerRecovery(keccak256) };
}

/**
 * Reads a payment into what the chain will see when `amount` is moved; `undefined` when its payload is not of the
 * offer's transfer method.
 */
export function readTransfer(
  payment: Payment,
  amount: Amount,
  chainId: number,
  tools: ReadTools,
): Transfer | undefined {
  const { offer, submission } = payment;
  const asset = parseAddress(offer.asset.address);
  const payTo = parseAddress(offer.payTo);
  if (asset === undefined || payTo === undefined) throw new Error('the plan holds an EVM offer without EVM addresses');
  const common = { asset, payTo, amount };
  const payload = submission.payload.payload;
  const approval = submission.version === 2 ? readEip2612Permit(submission.payload.extensions) : undefined;
  const permit2Domain = tools.digests.permit2Domain(chainId, PERMIT2);
  if (offer.scheme === 'upto') {
    const signed = UPTO_PERMIT.read(payload);
    if (signed === undefined) return undefined;
    const digest = tools.digests.permitWitnessTransfer(permit2Domain, UPTO_PERMIT, signed);
    const { signature } = signed;
    const facts = { ...common, signature, ...signer(signed.from, digest, signature, tools) };
    return { method: 'upto', signed, maximum: offer.amount, approval, ...facts };
  }
  switch (offer.asset.transferMethod) {
    case 'eip3009': {
      const signed = readEip3009Payload(payload);
      if (signed === undefined) return undefined;
      const { name, version } = offer.asset;
      const domain = tools.digests.tokenDomain({ name, version, chainId, verifyingContract: asset });
      const digest = tools.digests.transferWithAuthorization(domain, signed);
      const unwrapped = unwrap(signed.signature);
      if (unwrapped === undefined) return undefined;
      return {
        method: 'eip3009',
        signed,
        ...common,
        ...unwrapped,
        ...signer(signed.from, digest, unwrapped.signature, tools),
      };
    }
    case 'permit2': {
      const signed = EXACT_PERMIT.read(payload);
      if (signed === undefined) return undefined;
      const digest = tools.digests.permitWitnessTransfer(permit2Domain, EXACT_PERMIT, signed);
      const { signature } = signed;
      return {
        method: 'permit2',
        signed,
        approval,
        ...common,
        signature,
        ...signer(signed.from, digest, signature, tools),
      };
    }
    case undefined:
      throw new Error('the plan holds an EVM offer without a transfer method');
  }
}

function signer(
  payer: Address,
  digest: Uint8Array,
  signature: Hex,
  tools: ReadTools,
): Pick<TransferFacts, 'payer' | 'digest' | 'signedByKey'> {
  const bytes = Buffer.from(signature.slice(2), 'hex');
  const signedByKey = tools.recovery.recover(digest, bytes) === payer;
  return { payer, digest: `0x${Buffer.from(digest).toString('hex')}`, signedByKey };
}

/** Takes a signature out of its ERC-6492 wrapping; `undefined` when the wrapping is broken. */
function unwrap(signature: Hex): Pick<Eip3009Transfer, 'signature' | 'deployment'> | undefined {
  if (!isErc6492Signature(signature)) return { signature, deployment: undefined };
  try {
    const wrapped = parseErc6492Signature(signature);
    const factory = parseAddress(wrapped.address);
    const data = parseHex(wrapped.data);
    const inner = parseHex(wrapped.signature);
    if (factory === undefined || data === undefined || inner === undefined) return undefined;
    return { signature: inner, deployment: { factory, data } };
  } catch {
    return undefined; // the magic suffix on bytes that are no ABI encoding
  }
}
