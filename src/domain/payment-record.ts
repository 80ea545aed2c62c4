import type { Amount } from './amount.ts';
import type { Network } from './network.ts';
import type { PaymentKey } from './payment.ts';
import type { ClaimState, PaymentState } from './payment-state.ts';
import type { Settlement } from './settlement.ts';

/** What a payment was taken for, written down with the claim and never changed. */
export interface PaymentClaim {
  readonly key: PaymentKey;
  /** SHA-256 over what the payment is bound to: route, method, host, canonical path and query. */
  readonly fingerprint: string;
  /** {@link Authorization.digest} of the payment that took the key. */
  readonly digest: string;
  readonly requestId: string;
  readonly route: string;
  readonly payer: string;
  readonly network: Network;
  readonly asset: string;
  readonly amount: Amount;
  readonly payTo: string;
  readonly scheme: string;
  /** Unix milliseconds. */
  readonly claimedAt: number;
  /** Unix seconds: the authorization's `validBefore`. The record lives at least that long. */
  readonly expiresAt: number;
  /** Where the payment begins. */
  readonly state: ClaimState;
}

/** One row of the ledger. */
export interface PaymentRecord extends Omit<PaymentClaim, 'state'> {
  readonly state: PaymentState;
  /** Fencing number: grows with every transition; a writer that holds an old one has lost the payment. */
  readonly epoch: number;
  readonly settlement: Settlement | undefined;
  /** Why the payment is `failed` or `unknown`. */
  readonly reason: string | undefined;
  /** Unix milliseconds of the last transition. */
  readonly changedAt: number;
}
