import type { TransferMethod as AssetTransferMethod } from '../../domain/asset.ts';
import type { Offer } from '../../domain/offer.ts';
import type { Payment } from '../../domain/payment.ts';
import type { SupportedKind } from '../../domain/x402.ts';
import type { Address } from '../../evm/address.ts';
import type { Digests } from '../../evm/eip712.ts';
import type { SignerRecovery } from '../../evm/signer-recovery.ts';
import type { Transfer } from './transfer.ts';
import type { OfferedFacts } from './transfer-facts.ts';

/** What reading a signed payload computes with. */
export interface SigningTools {
  readonly digests: Digests;
  readonly recovery: SignerRecovery;
}

/** What a payment states of the terms that it was made for. */
export interface StatedTerms {
  readonly scheme: string;
  readonly isOurNetwork: boolean;
}

/** A way of moving money on EVM chains. One folder each here, one line in `transfer-methods.ts`. */
export interface TransferMethod {
  /** The offers that it moves: those of a scheme with a method of its own, or else those whose asset moves so. */
  readonly moves: { readonly scheme: string } | { readonly asset: AssetTransferMethod };
  /** What `/supported` states of its scheme for an account that settles; absent where another method states it for both. */
  supports?(sender: Address): Pick<SupportedKind, 'scheme' | 'extra' | 'extensions'>;
  /** The reason to refuse a payment before looking at its signature or the chain, or `undefined`. */
  findTermsProblem(stated: StatedTerms, offer: Offer): string | undefined;
  /** Reads what was signed, to move what is `offered`; `undefined` for a payload that is not of this method. */
  read(payment: Payment, offered: OfferedFacts, chainId: number, tools: SigningTools): Transfer | undefined;
}

/** What facilitators write as `errorReason` and `invalidReason` about payments of one method. */
export interface RefusalReasons {
  /**
   * Checks of the payment that are made before anything is sent. A `/settle` that is refused for one of these moved
   * nothing and will not. Reasons that also come after sending are not here, whatever their names say.
   */
  readonly beforeSending: readonly string[];
  /** Known reasons that do not say that nothing was sent: the buyer may read them, and they decide nothing. */
  readonly undecided: readonly string[];
}
