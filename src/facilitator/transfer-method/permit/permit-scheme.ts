import type { Address, Hex } from '../../../evm/address.ts';
import type { Eip2612Permit } from '../../../evm/eip2612.ts';
import type { Permit2Payload, PermitForm } from '../../../evm/permit2.ts';
import type { TransferMethod } from '../transfer-method.ts';
import type { PermitTransfer } from './permit-transfer.ts';

/** The parts in which schemes on Permit2 differ when they are settled. */
export interface PermitScheme<P extends Permit2Payload>
  extends Pick<TransferMethod, 'moves' | 'supports' | 'findTermsProblem'> {
  readonly form: PermitForm<P>;
  readonly calldata: PermitCalldata;
  /** The data of the proxy's call, with the payer's approval of Permit2 where one goes along. */
  encode(transfer: PermitTransfer<P>, approval: Eip2612Permit | undefined): Hex;
  /** As {@link TransferSettling.findSignedProblem}. */
  findSignedProblem(transfer: PermitTransfer<P>, now: number, sender: Address): string | undefined;
}

/** How the calldata of a proxy is read. */
export interface PermitCalldata {
  /** The permit and the owner in a call of the proxy; throws for another function. */
  decode(input: Hex): UsedPermit;
  /** The words that the proxy takes for a transfer, from the token to the witness, as a pattern that captures the nonce. */
  words(transfer: TransferWords): string;
}

/** A permit that a call of a proxy uses. */
export type UsedPermit = readonly [permit: { readonly nonce: bigint }, owner: string];

/** The facts of a transfer as words of calldata: 64 hex digits each. */
export interface TransferWords {
  readonly token: string;
  readonly moved: string;
  readonly owner: string;
  readonly to: string;
  /** Matches one word, whatever it holds. */
  readonly any: string;
}
