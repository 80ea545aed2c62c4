import type { BalanceCurrency } from '../../domain/balance.ts';
import type { Pass, PassHolder, PassId, PassQuota, PassScope } from '../../domain/pass.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import type { Balances, DrawBooks, DrawNews, DrawRecord } from '../balances.ts';
import { newPassId } from '../new-pass-id.ts';
import type { OpenCalls } from '../open-calls.ts';
import {
  checkSale,
  type LeaseOutcome,
  type LeaseRequest,
  NONCE_GRACE_MS,
  overdrawn,
  type PassPage,
  type PassPlace,
  type PassSale,
  type PassStore,
  type PassView,
  type TokenKey,
} from '../passes.ts';
import { MemoryBalances } from './memory-balances.ts';

/** The parts of the ledger that passes need. */
export interface LedgerFacts {
  /** Whether it has a payment's row. */
  hasPayment(key: PaymentKey): boolean;
  /** Whether a process has sent no heartbeat for long. */
  isGone(owner: string, now: number): boolean;
  /** Records the webhook event of a draw. */
  drawn(draw: DrawRecord, news: DrawNews): void;
}

/** Facts that are kept beside a pass. */
interface Kept {
  readonly pass: Pass;
  readonly payments: readonly PaymentKey[];
  /** Unix milliseconds at which it ended or will end, as far as is known. */
  readonly endedAt: number | undefined;
}

/** Passes in this process's memory. No method waits, so that each call is one atomic act. */
export class MemoryPasses implements PassStore {
  readonly #passes = new Map<PassId, Kept>();
  readonly #bought = new Map<PaymentKey, PassId>();
  readonly #nonces = new Map<string, number>();
  /** Expiry of the last nonce that was forgotten, in Unix milliseconds. */
  #forgottenUntil = Number.NEGATIVE_INFINITY;
  readonly #calls: OpenCalls;
  readonly #ledger: LedgerFacts;
  readonly balances: Balances & DrawBooks;
  #key: TokenKey | undefined;

  constructor(calls: OpenCalls, ledger: LedgerFacts) {
    this.#calls = calls;
    this.#ledger = ledger;
    this.balances = new MemoryBalances(calls, {
      find: (id) => this.#passes.get(id)?.pass,
      book: (id, quota, now) => this.#bookBalance(id, quota, now),
      isGone: (owner, now) => ledger.isGone(owner, now),
      drawn: (draw, news) => ledger.drawn(draw, news),
    });
  }

  grant(sale: PassSale, now: number): Promise<Pass> {
    return this.#calls.run(async () => {
      checkSale(sale);
      const bought = this.#bought.get(sale.paymentKey);
      const before = bought === undefined ? undefined : this.#passes.get(bought);
      if (before !== undefined) return before.pass;
      const extended = [...this.#passes.values()].find(
        ({ pass }) => isOf(pass, sale.scope, sale.holder, now) && pass.version === sale.version,
      );
      const pass = extended === undefined ? newPass(sale, now) : extendedPass(extended.pass, sale);
      this.#bought.set(sale.paymentKey, pass.id);
      const payments = [...(extended?.payments ?? []), sale.paymentKey];
      return this.#put({ pass, payments, endedAt: pass.expiresAt });
    });
  }

  findPass(id: PassId): Promise<Pass | undefined> {
    return this.#calls.run(async () => this.#passes.get(id)?.pass);
  }

  findPasses(scope: PassScope, holder: PassHolder, now: number): Promise<readonly Pass[]> {
    return this.#calls.run(async () =>
      this.#all()
        .filter((pass) => isOf(pass, scope, holder, now))
        .sort((a, b) => endOf(b) - endOf(a) || inOrder(b, a)),
    );
  }

  listPasses(
    after: PassPlace | undefined,
    limit: number,
    { payer, order = 'oldest first' }: PassView = {},
  ): Promise<PassPage> {
    const compare: typeof inOrder = order === 'oldest first' ? inOrder : (a, b) => inOrder(b, a);
    return this.#calls.run(async () => {
      const passes = this.#all()
        .filter((pass) => after === undefined || compare(after, pass) < 0)
        .filter((pass) => payer === undefined || pass.payer.toLowerCase() === payer.toLowerCase())
        .sort(compare)
        .slice(0, limit);
      return { passes, unreadable: [], last: passes.length < limit ? undefined : passes.at(-1) };
    });
  }

  lease(id: PassId, request: LeaseRequest, now: number): Promise<LeaseOutcome> {
    return this.#calls.run(async () => {
      const kept = this.#passes.get(id);
      if (kept === undefined) return { kind: 'gone', why: 'unknown' };
      const { pass } = kept;
      const isOver = pass.expiresAt !== undefined && pass.expiresAt <= now;
      const want = pass.revokedAt === undefined && !isOver ? request.want : 0;
      const { granted, left, lent } = this.#book(kept, { ...request, want }, now);
      if (pass.revokedAt !== undefined) return { kind: 'gone', why: 'revoked' };
      if (isOver) return { kind: 'gone', why: 'expired' };
      return { kind: 'leased', granted, left, lent, expiresAt: pass.expiresAt };
    });
  }

  revokePass(id: PassId, now: number): Promise<Pass | undefined> {
    return this.#calls.run(async () => {
      const kept = this.#passes.get(id);
      if (kept === undefined || kept.pass.revokedAt !== undefined) return kept?.pass;
      return this.#put({ ...kept, pass: { ...kept.pass, revokedAt: now }, endedAt: now });
    });
  }

  revokedSince(since: number): Promise<readonly PassId[]> {
    return this.#calls.run(async () =>
      this.#all()
        .filter(({ revokedAt }) => revokedAt !== undefined && revokedAt >= since)
        .map(({ id }) => id),
    );
  }

  spendNonce(nonce: string, until: number): Promise<boolean> {
    return this.#calls.run(async () => {
      if (this.#nonces.has(nonce) || until <= this.#forgottenUntil) return false;
      this.#nonces.set(nonce, until);
      return true;
    });
  }

  tokenKey(create: () => TokenKey): Promise<TokenKey> {
    return this.#calls.run(async () => {
      this.#key ??= create();
      return this.#key;
    });
  }

  prunePasses(before: number, now: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      for (const [nonce, until] of this.#nonces) {
        if (until >= now - NONCE_GRACE_MS) continue;
        this.#forgottenUntil = Math.max(this.#forgottenUntil, until);
        this.#nonces.delete(nonce);
      }
      const old = [...this.#passes.values()]
        .filter(
          ({ endedAt, payments }) =>
            endedAt !== undefined && endedAt < before && !payments.some((key) => this.#ledger.hasPayment(key)),
        )
        .slice(0, limit);
      for (const { pass, payments } of old) {
        this.#passes.delete(pass.id);
        for (const key of payments) this.#bought.delete(key);
      }
      return old.length;
    });
  }

  #all(): Pass[] {
    return [...this.#passes.values()].map(({ pass }) => pass);
  }

  #put(kept: Kept): Pass {
    const pass = Object.freeze(kept.pass);
    this.#passes.set(pass.id, { ...kept, pass });
    return pass;
  }

  #bookBalance(id: PassId, quota: PassQuota, now: number): Pass {
    const kept = this.#passes.get(id);
    if (kept === undefined) throw new Error('there is no such balance');
    const { pass, endedAt } = kept;
    const isUsedUp = quota.available + quota.lent === 0;
    return this.#put({
      ...kept,
      pass: { ...pass, quota },
      endedAt: pass.revokedAt !== undefined ? endedAt : isUsedUp ? now : undefined,
    });
  }

  #book(kept: Kept, request: LeaseRequest, now: number): { granted: number; left: number; lent: number } {
    const { pass } = kept;
    if (pass.balance !== undefined) return overdrawn(request);
    if (pass.quota === undefined) return { granted: request.want, left: 0, lent: 0 };
    const { want, spent, returned } = request;
    const { bought } = pass.quota;
    const free = pass.quota.available + returned;
    const held = pass.quota.lent - spent - returned;
    if (held < 0 || bought - free - held < 0) return overdrawn(request);
    const granted = Math.min(want, free);
    const quota = { bought, available: free - granted, lent: held + granted };
    const isUsedUp = pass.expiresAt === undefined && pass.revokedAt === undefined && quota.available === 0;
    const isOpen = pass.expiresAt === undefined && pass.revokedAt === undefined;
    this.#put({ ...kept, pass: { ...pass, quota }, endedAt: isUsedUp ? now : isOpen ? undefined : kept.endedAt });
    return { granted, left: quota.available, lent: quota.lent };
  }
}

function newPass({ scope, holder, opens, version, forMs, requests, balance }: PassSale, now: number): Pass {
  return {
    id: newPassId(),
    scope,
    family: holder.family,
    payer: holder.payer,
    opens: Object.freeze([...opens]),
    version,
    expiresAt: forMs === undefined ? undefined : now + forMs,
    quota: requests === undefined ? undefined : { bought: requests, available: requests, lent: 0 },
    issuedAt: now,
    revokedAt: undefined,
    ...(balance !== undefined && { balance: currencyOf(balance) }),
  };
}

/** The currency alone, out of terms that hold more. */
function currencyOf({ network, asset, symbol, decimals }: BalanceCurrency): BalanceCurrency {
  return { network, asset, symbol, decimals };
}

/** A pass that has not ended, extended by a further payment. */
function extendedPass(pass: Pass, { forMs = 0, requests = 0 }: PassSale): Pass {
  const { expiresAt, quota } = pass;
  return {
    ...pass,
    expiresAt: expiresAt === undefined ? undefined : expiresAt + forMs,
    quota:
      quota === undefined
        ? undefined
        : { ...quota, bought: quota.bought + requests, available: quota.available + requests },
  };
}

function isOf({ revokedAt, expiresAt, ...pass }: Pass, scope: PassScope, holder: PassHolder, now: number): boolean {
  return (
    revokedAt === undefined &&
    (expiresAt === undefined || expiresAt > now) &&
    pass.scope === scope &&
    pass.family === holder.family &&
    pass.payer === holder.payer
  );
}

function endOf({ expiresAt }: Pass): number {
  return expiresAt ?? Number.MAX_SAFE_INTEGER;
}

function inOrder(a: PassPlace, b: PassPlace): number {
  return a.issuedAt - b.issuedAt || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}
