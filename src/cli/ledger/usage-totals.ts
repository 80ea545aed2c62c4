import type { AssetId } from '../../admin/asset-names.ts';
import { usageOf } from '../../admin/payment-entry.ts';
import { atomicUnits } from '../../domain/balance.ts';
import type { Decimal } from '../../domain/decimal.ts';
import type { Network } from '../../domain/network.ts';
import { amountAsked, type PaymentRecord } from '../../domain/payment-record.ts';
import { DIMENSIONS, type Dimension } from '../../domain/rate.ts';
import type { Usage } from '../../domain/usage.ts';
import type { BookedDraw } from '../../store/balances.ts';
import { dayOf, dayText } from '../../store/totals.ts';

/** What was used of one model on one day, and what was charged for it in one asset. */
export interface UsageTotal {
  /** UTC day of the claim, or of the draw, `YYYY-MM-DD`. */
  readonly day: string;
  /** `undefined`: the answers named none. */
  readonly model: string | undefined;
  readonly network: Network;
  readonly asset: string;
  calls: number;
  /** Calls whose answers did not state their use. */
  missing: number;
  /** In atomic units. */
  charged: bigint;
  /** How much of that has moved, by payments of the calls themselves. */
  settled: bigint;
  /** Calls that balances paid. */
  drawnCalls: number;
  /** How much of what was charged they paid: money that had moved before, when they were bought. */
  drawn: bigint;
  readonly figures: Map<Dimension, Decimal>;
}

/** Sums what was used by model and day, exactly. */
export class UsageTotals {
  readonly #totals = new Map<string, UsageTotal>();
  readonly #idOf: (id: AssetId) => string;

  /** @param idOf one text for all spellings of an asset */
  constructor(idOf: (id: AssetId) => string) {
    this.#idOf = idOf;
  }

  /** Adds a payment; one that was not charged by what was used is left out. */
  add(record: PaymentRecord): void {
    const usage = usageOf(record);
    if (usage === undefined) return;
    const total = this.#addUse(dayOf(record.claimedAt), record, usage);
    total.charged += amountAsked(record);
    total.settled += record.settlement?.amount ?? 0n;
  }

  /** Adds a call that a balance paid. */
  addDraw(draw: BookedDraw): void {
    const usage = usageOf(draw);
    if (usage === undefined) return;
    const total = this.#addUse(dayOf(draw.endedAt), draw.currency, usage);
    const charge = atomicUnits(draw.charge, draw.currency);
    total.charged += charge;
    total.drawn += charge;
    total.drawnCalls += 1;
  }

  #addUse(day: number, asset: AssetId, usage: Usage): UsageTotal {
    const total = this.#totalOf(day, asset, usage.model);
    total.calls += 1;
    if (usage.missing !== undefined) total.missing += 1;
    for (const [dimension, count] of usage.figures) {
      const sum = total.figures.get(dimension);
      total.figures.set(dimension, sum === undefined ? count : sumOf(sum, count));
    }
    return total;
  }

  /** The sums, by day, then model; dimensions in their own order. */
  sorted(): readonly UsageTotal[] {
    return [...this.#totals]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, total]) => ({ ...total, figures: inOrder(total.figures) }));
  }

  #totalOf(onDay: number, { network, asset }: AssetId, model: string | undefined): UsageTotal {
    const day = dayText(onDay);
    const id = JSON.stringify([day, model ?? '', this.#idOf({ network, asset })]);
    const known = this.#totals.get(id);
    if (known !== undefined) return known;
    const nothing = { calls: 0, missing: 0, charged: 0n, settled: 0n, drawnCalls: 0, drawn: 0n };
    const total: UsageTotal = { day, model, network, asset, ...nothing, figures: new Map() };
    this.#totals.set(id, total);
    return total;
  }
}

function sumOf(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  const digits = a.digits * 10n ** BigInt(scale - a.scale) + b.digits * 10n ** BigInt(scale - b.scale);
  return { digits, scale };
}

function inOrder(figures: ReadonlyMap<Dimension, Decimal>): Map<Dimension, Decimal> {
  return new Map(
    DIMENSIONS.flatMap((dimension) => {
      const count = figures.get(dimension);
      return count === undefined ? [] : [[dimension, count] as const];
    }),
  );
}
