import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { BalanceCurrency } from '../domain/balance.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import type { Pass, PassId } from '../domain/pass.ts';
import type { Balances, Draw, Hold, HoldId, HoldOutcome } from '../store/balances.ts';
import type { Passes } from '../store/passes.ts';
import { BalanceTurns } from './balance-turns.ts';

/** Most balances whose currency is remembered. */
const MOST_CURRENCIES = 10_000;
/** Holds that are looked through at once for those that nobody has any more. */
const SWEPT_AT_ONCE = 500;

/** What a call holds of a balance. It ends once, by {@link draw} or by {@link release}. */
export interface OpenHold {
  /** The balance when it was taken, without what is held. */
  readonly pass: Pass;
  /**
   * Draws what the call cost, and gives the rest back.
   *
   * @returns the balance after that
   * @throws GatewayError `store_unavailable`, also where this process was taken for gone and the hold released: nothing of what
   *   depends on the charge may go out
   */
  draw(draw: Draw): Promise<Pass>;
  /** Gives all of it back. Never rejects: what could not be written is tried again. The balance, where it is known. */
  release(): Promise<Pass | undefined>;
}

/** What taking a hold came to. */
export type TakenHold =
  | { readonly kind: 'held'; readonly hold: OpenHold }
  | Extract<HoldOutcome, { kind: 'too_low' | 'gone' }>;

/** A call that wants to hold something. */
export type WantedHold = Omit<Hold, 'id' | 'owner'>;

/** What holds need. */
export interface BalanceHoldsDeps {
  readonly store: Pick<Passes, 'findPass'> & { readonly balances: Balances };
  /** This process's name in the ledger. */
  readonly owner: string;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * What the calls of one process hold of balances. A hold whose call cannot end it, because the store was away when it was to be
 * taken or ended, is released by {@link sweep}: as long as this process lives, nobody else may.
 */
export class BalanceHolds {
  readonly #deps: BalanceHoldsDeps;
  readonly #currencies = new LRUCache<PassId, BalanceCurrency>({ max: MOST_CURRENCIES });
  readonly #turns = new BalanceTurns();
  /** Holds of calls that go on. */
  readonly #live = new Set<HoldId>();
  #isToSweep = false;

  constructor(deps: BalanceHoldsDeps) {
    this.#deps = deps;
  }

  /**
   * What a balance is kept in, which never changes; `undefined` for what is no balance.
   *
   * @throws GatewayError `store_unavailable`
   */
  async currencyOf(id: PassId): Promise<BalanceCurrency | undefined> {
    const known = this.#currencies.get(id);
    if (known !== undefined) return known;
    const balance = (await this.#deps.store.findPass(id))?.balance;
    if (balance !== undefined) this.#currencies.set(id, balance);
    return balance;
  }

  /** Takes what a call may cost. @throws GatewayError `store_unavailable`: nothing is held for the caller */
  async take(wanted: WantedHold): Promise<TakenHold> {
    const { store, owner, clock } = this.#deps;
    const id = randomBytes(16).toString('base64url') as HoldId;
    this.#live.add(id);
    try {
      const hold = { ...wanted, id, owner };
      const outcome = await this.#turns.run(wanted.pass, () => store.balances.hold(hold, clock()));
      if (outcome.kind === 'held') return { kind: 'held', hold: this.#open(id, outcome.pass) };
      this.#live.delete(id);
      return outcome;
    } catch (fault) {
      this.#leave(id);
      throw fault;
    }
  }

  /** Releases holds of this process that no call has any more. To be called about once a second. */
  async sweep(): Promise<void> {
    if (!this.#isToSweep) return;
    const { store, owner, clock } = this.#deps;
    // One that is left meanwhile asks for another sweep.
    this.#isToSweep = false;
    try {
      const held = await store.balances.holdsOf(owner, SWEPT_AT_ONCE);
      for (const id of held) if (!this.#live.has(id)) await store.balances.draw(id, { charge: 0 }, clock());
      if (held.length === SWEPT_AT_ONCE) this.#isToSweep = true;
    } catch (fault) {
      this.#isToSweep = true;
      throw fault;
    }
  }

  #open(id: HoldId, pass: Pass): OpenHold {
    let ending: Promise<Pass | undefined> | undefined;
    const end = (draw: Draw): Promise<Pass | undefined> => {
      ending ??= this.#end(id, pass.id, draw);
      return ending;
    };
    return {
      pass,
      async draw(draw) {
        const drawn = await end(draw);
        if (drawn !== undefined) return drawn;
        throw new GatewayError('store_unavailable', { cause: new Error('the hold on the balance was taken back') });
      },
      release: () => end({ charge: 0 }).catch(() => undefined),
    };
  }

  async #end(id: HoldId, of: PassId, draw: Draw): Promise<Pass | undefined> {
    const { store, clock } = this.#deps;
    try {
      const pass = await this.#turns.run(of, () => store.balances.draw(id, draw, clock()));
      this.#live.delete(id);
      return pass;
    } catch (fault) {
      this.#leave(id);
      throw fault;
    }
  }

  #leave(id: HoldId): void {
    this.#live.delete(id);
    this.#isToSweep = true;
  }
}
