import type { Doubt, Earning, FunnelRoute, Money, Revenue } from './answers.ts';
import { read } from './api.ts';
import { dayChart } from './chart.ts';
import { h, outside, svg } from './dom.ts';
import { countText, moneyList, moneyText, settledOf, spanText } from './format.ts';
import { NONE, section, table } from './table.ts';
import type { View, ViewContext } from './view.ts';

const PERIODS = new Map([
  [1, 'Today (UTC)'],
  [7, '7 days'],
  [30, '30 days'],
]);

/** Revenue, and how many requests reach each step. */
export const overview: View = {
  title: 'Overview',
  everyMs: 10_000,
  async show({ query }: ViewContext) {
    const days = PERIODS.has(Number(query.get('days'))) ? Number(query.get('days')) : 30;
    const [revenue, funnel, doubt] = await Promise.all([
      read<Revenue>('revenue', { days: String(days) }),
      read<{ readonly routes: readonly FunnelRoute[] }>('funnel'),
      read<Doubt>('doubt', { limit: '1' }),
    ]);
    const symbol = revenue.money[0]?.symbol ?? 'USDC';
    return [
      h('div', { class: 'tiles' }, ...revenue.periods.map((period) => tile(period, days)), doubtTile(doubt)),
      section(`Revenue per day, ${symbol}`, dayChart(revenue.byDay, symbol)),
      h(
        'div',
        { class: 'columns' },
        section('By route', earnings('Route', revenue.byRoute)),
        section('By network', earnings('Network', revenue.byNetwork)),
        section('By asset', earnings('Asset', revenue.byAsset)),
        ...(revenue.byPrice.length === 0 ? [] : [section('By price or tool', earnings('Price', revenue.byPrice))]),
        ...(revenue.byModel.length === 0 ? [] : [section('By model', earnings('Model', revenue.byModel))]),
        ...(revenue.usedOfBalances.length === 0 ? [] : [usedOfBalances(revenue.usedOfBalances)]),
      ),
      section('From question to delivery', funnelTable(funnel.routes)),
    ];
  },
};

function tile({ days, money }: Revenue['periods'][number], chosen: number): HTMLElement {
  const payments = settledOf(money);
  return h(
    'a',
    { class: 'tile', href: `#/overview?days=${days}`, 'aria-current': days === chosen ? 'true' : undefined },
    h('span', { class: 'name' }, PERIODS.get(days) ?? ''),
    h('strong', {}, ...moneyLines(money)),
    h('span', { class: 'small' }, `${countText(payments)} ${noun(payments)}`),
  );
}

function noun(count: number): string {
  return count === 1 ? 'payment' : 'payments';
}

function moneyLines(money: readonly Money[]): readonly HTMLElement[] {
  return money.length === 0 ? [h('span', {}, '0')] : money.map((each) => h('span', {}, moneyText(each)));
}

function doubtTile({ open, unreadable, moreOpen, waiting }: Doubt): HTMLElement {
  const longest = open[0];
  const count = open.length + unreadable.length;
  const isNeeded = [waiting.payments, waiting.unreadable, unreadable].some(({ length }) => length > 0);
  const needs = isNeeded ? '; some need you' : '';
  return h(
    'a',
    { class: open.length > 0 || needs !== '' ? 'tile warn' : 'tile', href: '#/doubt' },
    h('span', { class: 'name' }, 'In doubt'),
    h('strong', {}, h('span', {}, count === 0 ? 'nothing' : `${count}${moreOpen ? '+' : ''} ${noun(count)}`)),
    h(
      'span',
      { class: 'small' },
      longest === undefined ? `every payment has ended${needs}` : `${spanText(longest.forMs)} old${needs}`,
    ),
  );
}

/** Calls paid from balances; the revenue counted them when the balance was bought. */
function usedOfBalances(rows: readonly Earning[]): HTMLElement {
  const used = table<Earning>(
    'Used of balances, by model: paid when they were bought',
    [
      { title: 'Model', cell: ({ name }) => outside(name) },
      { title: 'Calls', cell: ({ money }) => countText(settledOf(money)), figure: true },
      { title: 'Used', cell: ({ money }) => moneyList(money), figure: true },
    ],
    rows,
    'Nothing was used in this time.',
  );
  return section('Used of balances, paid before', used);
}

function earnings(what: string, rows: readonly Earning[]): HTMLElement {
  return table<Earning>(
    `Revenue by ${what.toLowerCase()}`,
    [
      { title: what, cell: ({ name }) => outside(name) },
      { title: 'Payments', cell: ({ money }) => countText(settledOf(money)), figure: true },
      { title: 'Revenue', cell: ({ money }) => moneyList(money), figure: true },
    ],
    rows,
    'Nothing was paid in this time.',
  );
}

function funnelTable(routes: readonly FunnelRoute[]): HTMLElement {
  const free = {
    title: 'Let in free',
    cell: ({ free: count }: FunnelRoute) => countText(count),
    figure: true as const,
  };
  const most = Math.max(...routes.map(({ asked }) => asked), 1);
  const step = (name: keyof FunnelRoute) => (row: FunnelRoute) => {
    const count = Number(row[name]);
    const bar = svg(
      'svg',
      { class: 'meter', viewBox: '0 0 100 6', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      svg('rect', { class: 'bar', width: ((100 * count) / most).toFixed(2), height: '6' }),
    );
    return h('span', {}, countText(count), bar);
  };
  return h(
    'div',
    {},
    table<FunnelRoute>(
      'Requests by route, from question to delivery',
      [
        { title: 'Route', cell: ({ route }) => outside(route) },
        { title: 'Asked', cell: step('asked'), figure: true },
        { title: 'Told the price', cell: step('priced'), figure: true },
        { title: 'Paid', cell: step('paid'), figure: true },
        { title: 'Delivered', cell: step('delivered'), figure: true },
        { title: 'By pass', cell: ({ passes }) => countText(passes), figure: true },
        ...(routes.some((route) => route.free > 0) ? [free] : []),
        {
          title: 'Paid per price told',
          cell: ({ paid, priced }) => (priced === 0 ? NONE : `${Math.round((100 * paid) / priced)} %`),
          figure: true,
        },
      ],
      routes,
      'No request of a priced route yet.',
    ),
    h('p', { class: 'small' }, 'Counted since the gateway started.'),
  );
}
