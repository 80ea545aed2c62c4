import { EventEmitter, once } from 'node:events';
import type { PaymentRecord } from '../../../src/domain/payment-record.ts';
import type { PaymentState } from '../../../src/domain/payment-state.ts';
import type { PaymentStore } from '../../../src/store/payment-store.ts';

/** A store, and what was seen of its payments. */
export interface WatchedStore {
  /** To be used in place of the store. */
  readonly store: PaymentStore;
  /**
   * Resolves when the states that a route's last payment went through so far are what `enough` wants to see.
   *
   * @throws the signal's reason
   */
  until(route: string, enough: (states: readonly PaymentState[]) => boolean, signal: AbortSignal): Promise<void>;
  /** The row of a route's last payment. */
  rowOf(route: string): Promise<PaymentRecord | undefined>;
}

/** Watches the states that payments go through, by route. */
export function watchStore(inner: PaymentStore): WatchedStore {
  const states = new Map<string, PaymentState[]>();
  const keys = new Map<string, PaymentRecord['key']>();
  const moves = new EventEmitter();
  moves.setMaxListeners(0);
  const note = ({ route, key, state }: PaymentRecord): void => {
    states.set(route, [...(states.get(route) ?? []), state]);
    keys.set(route, key);
    moves.emit(route);
  };
  return {
    store: storeThatTells(inner, note),
    async until(route, enough, signal) {
      while (!enough(states.get(route) ?? [])) await once(moves, route, { signal });
    },
    async rowOf(route) {
      const key = keys.get(route);
      return key === undefined ? undefined : await inner.find(key);
    },
  };
}

function storeThatTells(inner: PaymentStore, note: (record: PaymentRecord) => void): PaymentStore {
  return {
    async claim(claim) {
      const outcome = await inner.claim(claim);
      if (outcome.kind === 'claimed') note(outcome.record);
      return outcome;
    },
    async transition(key, epoch, step) {
      const outcome = await inner.transition(key, epoch, step);
      if (outcome.kind === 'moved') note(outcome.record);
      return outcome;
    },
    find: (key) => inner.find(key),
    mayHaveForgotten: (expiresAt) => inner.mayHaveForgotten(expiresAt),
    close: () => inner.close(),
    beat: (owner, now) => inner.beat(owner, now),
    retire: (owner) => inner.retire(owner),
    takeOpen: (...taking) => inner.takeOpen(...taking),
    livingOwners: (living) => inner.livingOwners(living),
    takeDue: (owner, now, holdMs, limit) => inner.takeDue(owner, now, holdMs, limit),
    takeOwed: (owner, now, holdMs, limit) => inner.takeOwed(owner, now, holdMs, limit),
    confirm: (key) => inner.confirm(key),
    resolve: (key, resolution) => inner.resolve(key, resolution),
    countOwed: (upTo) => inner.countOwed(upTo),
    countOwedBy: (payer, upTo) => inner.countOwedBy(payer, upTo),
    sumOwed: (asset, payer) => inner.sumOwed(asset, payer),
    countOpen: () => inner.countOpen(),
    prune: (changedBefore, expiredBefore, limit) => inner.prune(changedBefore, expiredBefore, limit),
    forgetUnmoved: (state, changedBefore, limit) => inner.forgetUnmoved(state, changedBefore, limit),
    list: (filter, after, limit, order) => inner.list(filter, after, limit, order),
    page: (filter, after, limit, order) => inner.page(filter, after, limit, order),
    skip: (after, rows, order) => inner.skip(after, rows, order),
    summarize: (filter) => inner.summarize(filter),
    summarizeModels: (filter) => inner.summarizeModels(filter),
    keep: (key, answer) => inner.keep(key, answer),
    recall: (key) => inner.recall(key),
    countKept: () => inner.countKept(),
    forgetAnswers: (keptBefore, limit) => inner.forgetAnswers(keptBefore, limit),
    rememberQuotes: (quotes, now) => inner.rememberQuotes(quotes, now),
    recallQuotes: (since) => inner.recallQuotes(since),
    passes: inner.passes,
    outbox: inner.outbox,
    uses: inner.uses,
  };
}
