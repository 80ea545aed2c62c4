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
/** Holds that are searched at once for those without a call. */
const SWEPT_AT_ONCE = 500;

/** A call's hold on a balance. It ends once, by {@link draw} or by {@link release}. */
export interface OpenHold {
  /** The balance after the hold was taken. */
  readonly pass: Pass;
  /**
   * Draws the charge of the call, and gives the rest back.
   *
   * @returns the balance after that
   * @throws GatewayError `store_unavailable`, also where this process counted as gone and its hold was released:
   *   nothing that depends on the charge may go out
   */
  draw(draw: Draw): Promise<Pass>;
  /** Gives all of it back. Never rejects: what could not be written is tried again. The balance, where it is known. */
  release(): Promise<Pass | undefined>;
}

/** The result of taking a hold. */
export type TakenHold =
  | { readonly kind: 'held'; readonly hold: OpenHold }
  | Extract<HoldOutcome, { kind: 'too_low' | 'gone' }>;

/** A hold that a call asks for. */
export type WantedHold = Omit<Hold, 'id' | 'owner'>;

/** The parts that holds need. */
export interface BalanceHoldsDeps {
  readonly store: Pick<Passes, 'findPass'> & { readonly balances: Balances };
  /** This process's name in the ledger. */
  readonly owner: string;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * The holds of one process's calls on balances. If a call cannot end its hold, because the store was unavailable when
 * the hold was taken or ended, {@link sweep} releases it: no other process may release it while this one lives.
 */
export class BalanceHolds {
  readonly #deps: BalanceHoldsDeps;
  readonly #currencies = new LRUCache<PassId, BalanceCurrency>({ max: MOST_CURRENCIES });
  readonly #turns = new BalanceTurns();
  /** Holds of calls that are running. */
  readonly #live = new Set<HoldId>();
  #isToSweep = false;

  constructor(deps: BalanceHoldsDeps) {
    this.#deps = deps;
  }

  /**
   * The currency of a balance, which never changes; `undefined` for a pass that is not a balance.
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

  /**
   * Holds what a call may cost.
   *
   * @throws GatewayError `store_unavailable`: nothing is held for the caller
   */
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

  /** Releases holds of this process that no running call has. To be called about once a second. */
  async sweep(): Promise<void> {
    if (!this.#isToSweep) return;
    const { store, owner, clock } = this.#deps;
    // A hold that is left meanwhile asks for another sweep.
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
