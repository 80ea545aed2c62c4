import { createHash } from 'node:crypto';
import type { SignedPayment } from '../pay/purchase-terms.ts';

/** How long a payment is sent again at least, in milliseconds: longer than most gateways keep what it bought. */
const KEPT_MS = 900_000;
/** Most payments that are remembered; the oldest goes first. */
const MOST = 1_000;

/** A payment whose answer did not reach the agent. */
export interface UnfinishedPayment {
  readonly signed: SignedPayment;
  /** Unix milliseconds, after which the same call is paid anew. */
  readonly until: number;
}

/**
 * Payments that may have been taken, and whose answers did not reach the agent. An agent repeats a call that failed:
 * then the payment of the first one is sent again, which cannot be taken twice, instead of a new one.
 *
 * In memory only: after a restart the header that the agent was told repeats the payment.
 */
export class UnfinishedPayments {
  readonly #clock: () => number;
  readonly #byCall = new Map<string, UnfinishedPayment>();

  /** @param clock Unix milliseconds */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** The payment of an earlier call like this one, which is forgotten: of two calls at once, one repeats it. */
  take(call: string): UnfinishedPayment | undefined {
    const found = this.#byCall.get(call);
    this.#byCall.delete(call);
    return found !== undefined && found.until > this.#clock() ? found : undefined;
  }

  /** Keeps a payment for the next call like this one. */
  keep(call: string, unfinished: UnfinishedPayment): void {
    this.#byCall.set(call, unfinished);
    for (const oldest of this.#byCall.keys()) {
      if (this.#byCall.size <= MOST) break;
      this.#byCall.delete(oldest);
    }
  }

  /** A payment that was signed just now. */
  signedNow(signed: SignedPayment): UnfinishedPayment {
    return { signed, until: this.#clock() + Math.max(KEPT_MS, signed.offer.maxTimeoutSeconds * 1000) };
  }
}

/** What makes two calls the same: method, URL, headers and body. */
export async function callKey(request: Request): Promise<string> {
  const body = Buffer.from(await request.clone().arrayBuffer()).toString('base64');
  const facts = [request.method, request.url, [...request.headers], body];
  return createHash('sha256').update(JSON.stringify(facts)).digest('base64url');
}
