import type { GatewayError } from '../domain/gateway-error.ts';
import type { PublicPlace } from './headers/locations.ts';
import type { PaymentFields } from './headers/payment-fields.ts';
import type { RelayOutcome } from './upstream-response.ts';

/** An upgrade request as it goes to the upstream. */
export interface ForwardUpgrade {
  /** Canonical path and query, rewritten; the server's base path is put before it. */
  readonly path: string;
  /** Flat list from `forwardRequestHeaders`; the upgrade's own headers are put in here. */
  readonly headers: readonly string[];
  /** How long until the upstream's answer, in milliseconds, connecting included. */
  readonly timeoutMs: number;
  /** The fields of the payment protocols. */
  readonly fields: PaymentFields;
  /** Whether this was paid for, and what to add to the answer's head; as in `relayResponseHeaders`. */
  readonly paid: boolean;
  readonly passes?: boolean;
  readonly add: (status: number) => readonly (readonly [name: string, value: string])[];
  /** The public place of the upstream's resources. */
  readonly place: PublicPlace;
  /** Called at the upstream's 101, when frames begin to flow. */
  readonly onUpgraded?: () => void;
  /**
   * Writes an answer to the client when there is none from the upstream. Called at most once, before anything else was
   * written; must write at once, because the socket is ended right after it.
   */
  readonly refuse: (fault: GatewayError) => void;
}

/** How an upgrade ended, and what the upstream answered, if it did. */
export type UpgradeOutcome = RelayOutcome & { readonly status: number | undefined };
