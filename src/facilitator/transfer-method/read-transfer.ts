import type { Amount } from '../../domain/amount.ts';
import type { Offer } from '../../domain/offer.ts';
import type { Payment } from '../../domain/payment.ts';
import { parseAddress } from '../../evm/address.ts';
import { createDigests } from '../../evm/eip712.ts';
import { loadKeccak256 } from '../../evm/keccak.ts';
import { loadSignerRecovery } from '../../evm/signer-recovery.ts';
import type { Transfer } from './transfer.ts';
import type { SigningTools, TransferMethod } from './transfer-method.ts';
import { loadTransferMethods } from './transfer-methods.ts';

/** What reading a payment works with. */
export interface ReadTools extends SigningTools {
  readonly methods: readonly TransferMethod[];
}

/** Loads what {@link readTransfer} works with; its cryptography is WebAssembly or native and loads asynchronously. */
export async function loadReadTools(): Promise<ReadTools> {
  const keccak256 = await loadKeccak256();
  const recovery = await loadSignerRecovery(keccak256);
  return { digests: createDigests(keccak256), recovery, methods: await loadTransferMethods() };
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
  const { offer } = payment;
  const asset = parseAddress(offer.asset.address);
  const payTo = parseAddress(offer.payTo);
  if (asset === undefined || payTo === undefined) throw new Error('the plan holds an EVM offer without EVM addresses');
  return methodOf(offer, tools).read(payment, { asset, payTo, amount }, chainId, tools);
}

/** The reason to refuse a payment before looking at its signature or the chain, or `undefined`. */
export function findTermsProblem({ offer, submission }: Payment, tools: ReadTools): string | undefined {
  const { scheme, network } = submission.version === 2 ? submission.payload.accepted : submission.payload;
  const ours = submission.version === 2 ? offer.network : offer.v1Network;
  return methodOf(offer, tools).findTermsProblem({ scheme, isOurNetwork: network === ours }, offer);
}

/** The method of an offer's scheme, or else that of its asset. */
function methodOf({ scheme, asset }: Offer, { methods }: ReadTools): TransferMethod {
  const found =
    methods.find(({ moves }) => 'scheme' in moves && moves.scheme === scheme) ??
    methods.find(({ moves }) => 'asset' in moves && moves.asset === asset.transferMethod);
  if (found === undefined) throw new Error('the plan holds an EVM offer without a transfer method');
  return found;
}
