import { GatewayError } from '../../domain/gateway-error.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentClaim, PaymentRecord } from '../../domain/payment-record.ts';
import { isClaimable, mayFollow } from '../../domain/payment-state.ts';
import type { ClaimOutcome, Ledger, Transition, TransitionOutcome } from '../ledger.ts';

/** How long a row outlives its authorization, in seconds: covers clock differences and the retry window. */
const RETENTION_SECONDS = 3600;

/**
 * A ledger in this process's memory: for tests and throw-away runs. It forgets everything at exit, and with it which
 * payments were used; the gateway says so at start.
 */
export function openMemoryLedger(clock: () => number = Date.now): Ledger {
  return new MemoryLedger(clock);
}

class MemoryLedger implements Ledger {
  /** In the order of claiming, which is nearly the order of expiry. */
  readonly #rows = new Map<PaymentKey, PaymentRecord>();
  readonly #clock: () => number;
  #closed = false;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  async claim(claim: PaymentClaim): Promise<ClaimOutcome> {
    this.#assertOpen();
    this.#prune();
    const held = this.#rows.get(claim.key);
    if (held !== undefined && !isClaimable(held.state)) return { kind: 'held', record: held };
    const record: PaymentRecord = Object.freeze({
      ...claim,
      epoch: (held?.epoch ?? 0) + 1,
      settlement: undefined,
      attempt: undefined,
      bodyDigest: undefined,
      checks: 0,
      checkAt: 0,
      reason: undefined,
      changedAt: this.#clock(),
    });
    this.#rows.delete(claim.key);
    this.#rows.set(claim.key, record);
    return { kind: 'claimed', record };
  }

  async transition(key: PaymentKey, epoch: number, step: Transition): Promise<TransitionOutcome> {
    this.#assertOpen();
    const row = this.#rows.get(key);
    if (row === undefined || row.epoch !== epoch) return { kind: 'stale', record: row };
    if (isClaimable(row.state) || !mayFollow(row.state, step.to))
      throw new Error(`a payment cannot go from ${row.state} to ${step.to}`);
    const record: PaymentRecord = Object.freeze({
      ...row,
      state: step.to,
      epoch: row.epoch + 1,
      settlement: step.settlement ?? row.settlement,
      reason: step.reason,
      changedAt: this.#clock(),
    });
    this.#rows.set(key, record);
    return { kind: 'moved', record };
  }

  async find(key: PaymentKey): Promise<PaymentRecord | undefined> {
    this.#assertOpen();
    return this.#rows.get(key);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Forgets what can no longer be replayed; a few rows at a time, so that no claim waits for it. */
  #prune(): void {
    const now = this.#clock() / 1000;
    let budget = 4;
    for (const [key, row] of this.#rows) {
      if (budget === 0 || row.expiresAt + RETENTION_SECONDS > now) return;
      this.#rows.delete(key);
      budget -= 1;
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new GatewayError('store_unavailable');
  }
}
