import type { PriceEntry, Route } from './answers.ts';
import { read } from './api.ts';
import { h, outside } from './dom.ts';
import { NONE, section, table } from './table.ts';
import type { View } from './view.ts';

/** Routes and prices in force. */
export const prices: View = {
  title: 'Prices',
  async show() {
    const { routes, unmatched } = await read<{ readonly routes: readonly Route[]; readonly unmatched: string }>(
      'routes',
    );
    const rest = unmatched === 'deny' ? 'Requests of no route get 404.' : 'Requests of no route pass free of charge.';
    return [section('In force', routeTable(routes), h('p', { class: 'small' }, rest))];
  },
};

function routeTable(routes: readonly Route[]): HTMLElement {
  return table<Route>(
    'Routes and prices',
    [
      { title: 'Route', cell: ({ name }) => outside(name) },
      { title: 'Requests', cell: requestsOf },
      { title: 'Price', cell: priceOf },
      { title: 'Ways to pay', cell: waysOf },
      { title: 'Settled', cell: ({ settle }) => settle ?? NONE },
      { title: 'Goes to', cell: ({ upstream }) => outside(upstream) },
    ],
    routes,
    'There are no routes.',
  );
}

function requestsOf({ methods, host, path }: Route): HTMLElement {
  const verb = methods.join(', ') === '*' ? 'any method' : methods.join(', ');
  return h('span', {}, `${verb} `, h('code', {}, outside(`${host === '*' ? '' : host}${path}`)));
}

function priceOf({ prices: several, ...only }: Route): HTMLElement {
  const entries: readonly PriceEntry[] = several ?? [only];
  return h(
    'span',
    {},
    ...entries.map((entry) => h('span', { class: 'line price' }, priceLine(entry, several !== undefined))),
  );
}

function priceLine({ price, when, metered, access }: PriceEntry, several: boolean): string {
  const terms = [
    ...(metered === undefined ? [] : [`by use: ${metered}`]),
    ...(access?.forMs === undefined ? [] : [`for ${access.forMs / 1000} s`]),
    ...(access?.requests === undefined ? [] : [`${access.requests} requests`]),
  ];
  return `${price}${terms.length === 0 ? '' : ` (${terms.join(', ')})`}${several && when !== undefined ? ` where ${when}` : ''}`;
}

function waysOf({ offers }: Route): HTMLElement | string {
  const ways = new Set(offers.map(({ symbol, networkName, network }) => `${symbol} on ${networkName ?? network}`));
  if (ways.size === 0) return NONE;
  return h('span', {}, ...[...ways].map((way) => h('span', { class: 'line' }, outside(way))));
}
