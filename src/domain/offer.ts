import type { Amount } from './amount.ts';
import type { Asset } from './asset.ts';
import type { Network } from './network.ts';
import type { PaymentRequirements } from './x402.ts';

/** One way to pay for a route: the wire requirement, and the same facts as domain types. Immutable, made by the plan. */
export interface Offer {
  readonly scheme: string;
  readonly network: Network;
  readonly asset: Asset;
  readonly amount: Amount;
  readonly payTo: string;
  /** How long a signed payment for this offer may take, in seconds; the client derives `validBefore` from it. */
  readonly maxTimeoutSeconds: number;
  /** The network's x402 v1 name, when v1 clients can pay this offer. */
  readonly v1Network: string | undefined;
  /** What is put on the wire and handed to facilitators. Never what a client sent. */
  readonly requirements: PaymentRequirements;
}
