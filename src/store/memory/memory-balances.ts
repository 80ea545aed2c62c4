import { atomicUnits } from '../../domain/balance.ts';
import type { Pass, PassId, PassQuota } from '../../domain/pass.ts';
import { routeNameOf } from '../../domain/route-price.ts';
import { decodeUsage } from '../../domain/usage.ts';
import {
  type Balances,
  type BookedDraw,
  checkDraw,
  checkHold,
  type Draw,
  type DrawBooks,
  type DrawFilter,
  type DrawNews,
  type DrawPage,
  type DrawPlace,
  type DrawRecord,
  type Hold,
  type HoldId,
  type HoldOutcome,
} from '../balances.ts';
import type { ModelTotal } from '../books.ts';
import type { OpenCalls } from '../open-calls.ts';
import { addUp, dayOf } from '../totals.ts';

/** The parts of passes and of the ledger that balances need. */
export interface BalancePasses {
  find(id: PassId): Pass | undefined;
  /** Changes the figures of a balance. */
  book(id: PassId, quota: PassQuota, now: number): Pass;
  isGone(owner: string, now: number): boolean;
  /** Records the webhook event of a draw. */
  drawn(draw: DrawRecord, news: DrawNews): void;
}

/** A hold with its time, and its end. */
interface Kept {
  readonly hold: Hold;
  readonly heldAt: number;
  readonly ended?: { readonly at: number; readonly charge: number; readonly usage: string | undefined };
}

/** Balances in this process's memory. No method waits, so that each call is one atomic act. */
export class MemoryBalances implements Balances, DrawBooks {
  /** In the order of holding. */
  readonly #kept = new Map<HoldId, Kept>();
  readonly #calls: OpenCalls;
  readonly #passes: BalancePasses;

  /** @param calls the ledger's open calls, with which it closes */
  constructor(calls: OpenCalls, passes: BalancePasses) {
    this.#calls = calls;
    this.#passes = passes;
  }

  hold(hold: Hold, now: number): Promise<HoldOutcome> {
    return this.#calls.run(async () => {
      checkHold(hold);
      const pass = this.#passes.find(hold.pass);
      if (pass?.balance === undefined || pass.quota === undefined) return { kind: 'gone', why: 'unknown' };
      if (pass.revokedAt !== undefined) return { kind: 'gone', why: 'revoked' };
      const { bought, available, lent } = pass.quota;
      if (available < hold.most) return { kind: 'too_low', pass };
      this.#kept.set(hold.id, { hold, heldAt: now });
      const quota = { bought, available: available - hold.most, lent: lent + hold.most };
      return { kind: 'held', pass: this.#passes.book(pass.id, quota, now) };
    });
  }

  draw(id: HoldId, draw: Draw, now: number): Promise<Pass | undefined> {
    return this.#calls.run(async () => {
      checkDraw(draw);
      const kept = this.#kept.get(id);
      const pass = kept && this.#passes.find(kept.hold.pass);
      if (kept === undefined || kept.ended !== undefined || pass?.quota === undefined) return undefined;
      const { most } = kept.hold;
      const charge = Math.min(draw.charge, most);
      const drawn: Kept = { ...kept, ended: { at: now, charge, usage: draw.usage } };
      this.#kept.set(id, drawn);
      const { news } = draw;
      if (news !== undefined) for (const record of recordOf(drawn)) this.#passes.drawn(record, news);
      const { bought, available, lent } = pass.quota;
      return this.#passes.book(pass.id, { bought, available: available + most - charge, lent: lent - most }, now);
    });
  }

  holdsLeft(now: number, limit: number): Promise<readonly HoldId[]> {
    return this.#calls.run(async () =>
      [...this.#kept.values()]
        .filter(({ hold, ended }) => ended === undefined && this.#passes.isGone(hold.owner, now))
        .slice(0, limit)
        .map(({ hold }) => hold.id),
    );
  }

  holdsOf(owner: string, limit: number): Promise<readonly HoldId[]> {
    return this.#calls.run(async () =>
      [...this.#kept.values()]
        .filter(({ hold, ended }) => ended === undefined && hold.owner === owner)
        .slice(0, limit)
        .map(({ hold }) => hold.id),
    );
  }

  listDraws(pass: PassId, limit: number): Promise<readonly DrawRecord[]> {
    return this.#calls.run(async () => {
      if (this.#passes.find(pass) === undefined) return [];
      return [...this.#kept.values()]
        .flatMap(recordOf)
        .filter((record) => record.pass === pass)
        .sort((a, b) => b.endedAt - a.endedAt || (a.id < b.id ? 1 : -1))
        .slice(0, limit);
    });
  }

  pageDraws(filter: DrawFilter, after: DrawPlace | undefined, limit: number): Promise<DrawPage> {
    return this.#calls.run(async () => {
      const draws = this.#booked(filter)
        .filter(({ endedAt, id }) => {
          return after === undefined || endedAt > after.endedAt || (endedAt === after.endedAt && id > after.id);
        })
        .slice(0, limit);
      return { draws, unreadable: [], last: draws.length < limit ? undefined : draws.at(-1) };
    });
  }

  summarizeDraws(filter: DrawFilter): Promise<readonly ModelTotal[]> {
    return this.#calls.run(async () =>
      addUp(
        this.#booked(filter).map(({ endedAt, route, charge, usage, currency }) => ({
          ...{
            day: dayOf(endedAt),
            route,
            network: currency.network,
            asset: currency.asset,
            model: decodeUsage(usage ?? 'null')?.model,
          },
          ...{ amount: atomicUnits(charge, currency), settled: 1, open: 0 },
        })),
      ),
    );
  }

  /** Draws that were charged by use, in the order of charging. */
  #booked({ since, until, route, payer }: DrawFilter): readonly BookedDraw[] {
    return [...this.#kept.values()]
      .flatMap(recordOf)
      .flatMap((draw) => {
        const pass = this.#passes.find(draw.pass);
        if (pass?.balance === undefined || draw.usage === undefined) return [];
        return [{ ...draw, payer: pass.payer, currency: pass.balance }];
      })
      .filter((draw) => (since === undefined || draw.endedAt >= since) && (until === undefined || draw.endedAt < until))
      .filter((draw) => route === undefined || draw.route === route || routeNameOf(draw.route) === route)
      .filter((draw) => payer === undefined || draw.payer.toLowerCase() === payer.toLowerCase())
      .sort((a, b) => a.endedAt - b.endedAt || (a.id < b.id ? -1 : 1));
  }

  pruneDraws(before: number, limit: number): Promise<number> {
    return this.#calls.run(async () => {
      const old = [...this.#kept].filter(([, { ended }]) => ended !== undefined && ended.at < before).slice(0, limit);
      for (const [id] of old) this.#kept.delete(id);
      return old.length;
    });
  }
}

function recordOf({ hold, heldAt, ended }: Kept): readonly DrawRecord[] {
  if (ended === undefined) return [];
  const { id, pass, route, requestId } = hold;
  const { at: endedAt, charge, usage } = ended;
  return [{ id, pass, route, requestId, charge, usage, heldAt, endedAt }];
}
