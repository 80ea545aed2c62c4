import type { Amount } from '../../../domain/amount.ts';
import type { Eip2612Permit } from '../../../evm/eip2612.ts';
import type { Permit2Payload } from '../../../evm/permit2.ts';
import type { TransferFacts } from '../transfer-facts.ts';

/** A transfer that Permit2 makes through the x402 proxy of a scheme. */
export interface PermitTransfer<P extends Permit2Payload> extends TransferFacts {
  readonly signed: P;
  /** What our offer asked the payer to sign for: `amount`, or the most that it may be. */
  readonly offered: Amount;
  /** A payer may add the approval of Permit2 to the payment; it then goes on chain with the transfer. */
  readonly approval: Eip2612Permit | 'malformed' | undefined;
}
