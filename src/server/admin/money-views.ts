import type { AssetNames } from '../../admin/asset-names.ts';
import { DailyTotals, MOST_DAYS } from '../../admin/daily-totals.ts';
import { transactionUrl } from '../../admin/explorer.ts';
import { describePass, describeUnreadablePass } from '../../admin/pass-entry.ts';
import { describeEntry } from '../../admin/payment-entry.ts';
import { type PaymentPage, readPaymentPage } from '../../admin/payment-list.ts';
import { describeRevenue, moneyOf } from '../../admin/revenue.ts';
import { STATE_MEANINGS } from '../../admin/state-meanings.ts';
import { describeTotals } from '../../admin/totals.ts';
import { describeUnreadable } from '../../admin/unreadable-entry.ts';
import { type AssetTable, readAssetTable } from '../../config/asset-table.ts';
import type { NetworkFamilies } from '../../domain/network-family.ts';
import type { PaymentKey } from '../../domain/payment.ts';
import type { PaymentRecord } from '../../domain/payment-record.ts';
import { isState, NEEDS_SOMEBODY, OWING, type PaymentState, RESOLVABLE } from '../../domain/payment-state.ts';
import type { BookFilter, BookPlace, BookTotal, ModelTotal } from '../../store/books.ts';
import { dayOf, dayText } from '../../store/totals.ts';
import { AdminRefusal } from './admin-refusal.ts';
import type { ApiCall } from './api-call.ts';
import type { AdminBooks } from './ledger-access.ts';
import type { AdminSources } from './sources.ts';

/** Most open payments in the view of doubts. */
const MOST_OPEN = 200;

/** Sums by day, for the open ledger. */
interface DailySums {
  readonly books: AdminBooks;
  readonly daily: DailyTotals<BookTotal>;
  /** Of metered payments. */
  readonly models: DailyTotals<ModelTotal>;
  /** Of calls that balances paid. */
  readonly draws: DailyTotals<ModelTotal>;
}

/** Views of the ledger: money, payments and passes. */
export class MoneyViews {
  readonly #sources: AdminSources;
  readonly #look: { readonly table: AssetTable; readonly families: NetworkFamilies };
  #totals: DailySums | undefined;

  constructor(sources: AdminSources) {
    this.#sources = sources;
    this.#look = { table: readAssetTable(), families: sources.registry.families };
  }

  /** Revenue of today, of 7 and of 30 days, and of the chosen days by route, network, asset, model and day. */
  async revenue(call: ApiCall, assets: AssetNames) {
    const days = call.number('days', 1, MOST_DAYS) ?? 30;
    const { daily, models, draws } = await this.#daily();
    const [lines, ofModels, ofBalances] = await Promise.all([
      daily.of(Math.max(days, 30)),
      models.of(days),
      draws.of(days),
    ]);
    const today = dayOf(this.#sources.clock());
    const since = (count: number) => lines.filter(({ day }) => Date.parse(day) / 86_400_000 > today - count);
    const chosen = since(days);
    return {
      days,
      today: dayText(today),
      periods: [1, 7, 30].map((count) => ({ days: count, money: moneyOf(since(count), assets) })),
      ...describeRevenue(chosen, ofModels, ofBalances, assets),
      byDay: Array.from({ length: days }, (_, index) => dayText(today - days + 1 + index)).map((day) => ({
        name: day,
        money: moneyOf(
          chosen.filter((line) => line.day === day),
          assets,
        ),
      })),
    };
  }

  /** Reads ahead what the page shows first, so that its first view need not wait. Never rejects for a failed read. */
  async warm(): Promise<void> {
    const { daily, models, draws } = await this.#daily();
    for (const sums of [daily, models, draws]) await sums.renew(30);
  }

  /** The totals of `turnpike ledger summary --json`, by the same code; `since` is in Unix milliseconds. */
  async summary(call: ApiCall, assets: AssetNames) {
    const books = await this.#sources.ledger.books();
    const since = call.number('since', 0, Number.MAX_SAFE_INTEGER);
    return describeTotals(await books.summarize(since === undefined ? {} : { since }), assets);
  }

  /** One page of payments. */
  async payments(call: ApiCall, assets: AssetNames) {
    const books = await this.#sources.ledger.books();
    const page = await readPaymentPage(books, filterOf(call), placeOf(call), call.limit);
    return this.#pageEntry(page, assets);
  }

  /** One payment with all that is known of it. */
  async payment(call: ApiCall, assets: AssetNames) {
    const key = call.text('key');
    const books = await this.#sources.ledger.books();
    // Text that is not a key finds nothing.
    const record = key === undefined ? undefined : await books.find(key as PaymentKey);
    if (record === undefined) throw new AdminRefusal('not_found', 'the ledger has no such payment');
    const { state } = record;
    return {
      ...this.#entry(record, assets),
      meaning: STATE_MEANINGS[state],
      resolvable: RESOLVABLE.includes(state),
      deliveries: record.deliveries,
      leftEarly: record.leftEarly,
    };
  }

  /** Money that may still move, oldest first, and payments that an operator has to take care of. */
  async doubt(call: ApiCall, assets: AssetNames) {
    const books = await this.#sources.ledger.books();
    const { records, unreadable, last } = await books.page({ states: OWING }, undefined, MOST_OPEN);
    const waiting = await readPaymentPage(
      books,
      { states: NEEDS_SOMEBODY, unresolved: true },
      placeOf(call),
      call.limit,
    );
    const now = this.#sources.clock();
    return {
      open: records.map((record) => ({
        ...this.#entry(record, assets),
        forMs: Math.max(0, now - record.claimedAt),
      })),
      unreadable: unreadable.map(describeUnreadable),
      moreOpen: last !== undefined && (await books.page({ states: OWING }, last, 1)).last !== undefined,
      waiting: this.#pageEntry(waiting, assets),
    };
  }

  /** One page of passes, the latest first. */
  async passes(call: ApiCall) {
    const { passes } = await this.#sources.ledger.books();
    const payer = call.text('payer');
    const after = placeOf(call);
    const page = await passes.listPasses(after && { issuedAt: after.claimedAt, id: after.key }, call.limit, {
      order: 'newest first',
      ...(payer !== undefined && { payer }),
    });
    const { last } = page;
    return {
      passes: page.passes.map((pass) => describePass(pass, this.#sources.clock())),
      unreadable: page.unreadable.map(describeUnreadablePass),
      next: last === undefined ? null : placeText({ claimedAt: last.issuedAt, key: last.id }),
    };
  }

  async #daily(): Promise<DailySums> {
    const books = await this.#sources.ledger.books();
    if (this.#totals?.books !== books) {
      const { clock } = this.#sources;
      this.#totals = {
        books,
        daily: new DailyTotals((filter) => books.summarize(filter), clock),
        models: new DailyTotals((filter) => books.summarizeModels(filter), clock),
        draws: new DailyTotals((filter) => books.passes.balances.summarizeDraws(filter), clock),
      };
    }
    return this.#totals;
  }

  #pageEntry({ records, unreadable, next, searchedTo }: PaymentPage, assets: AssetNames) {
    return {
      payments: records.map((record) => this.#entry(record, assets)),
      unreadable: unreadable.map(describeUnreadable),
      next: next === undefined ? null : placeText(next),
      searchedTo: searchedTo === undefined ? null : new Date(searchedTo).toISOString(),
    };
  }

  #entry(record: PaymentRecord, assets: AssetNames) {
    const transaction = record.settlement?.transaction ?? record.attempt?.transaction;
    const { network } = record;
    return {
      ...describeEntry(record, assets),
      networkName: assets.network(network),
      transactionUrl:
        (transaction && transactionUrl(this.#sources.plan(), this.#look, { network, transaction })) ?? null,
    };
  }
}

function filterOf(call: ApiCall): BookFilter {
  const [state, route, payer, name] = ['state', 'route', 'payer', 'name'].map((key) => call.text(key));
  return {
    ...(state !== undefined && { states: statesOf(state) }),
    ...(route !== undefined && { route }),
    ...(payer !== undefined && { payer }),
    ...(name !== undefined && { name }),
  };
}

function statesOf(text: string): readonly PaymentState[] {
  const names = text.split(',');
  const states = names.filter(isState);
  if (states.length !== names.length) throw new AdminRefusal('bad_request', 'state names no state of a payment');
  return states;
}

/** A position is opaque to clients: they return what they were given. */
function placeText({ claimedAt, key }: BookPlace): string {
  return `${claimedAt}.${Buffer.from(key).toString('base64url')}`;
}

function placeOf(call: ApiCall): BookPlace | undefined {
  const text = call.text('after');
  if (text === undefined) return undefined;
  const [, claimedAt, key] = /^(\d{1,16})\.([\w-]*)$/.exec(text) ?? [];
  if (claimedAt === undefined || key === undefined) throw new AdminRefusal('bad_request', 'after is no place');
  return { claimedAt: Number(claimedAt), key: Buffer.from(key, 'base64url').toString('utf8') };
}
