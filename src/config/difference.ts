import type { Plan } from '../domain/plan.ts';
import type { Route } from '../domain/route.ts';
import { pricesText } from '../domain/route-price.ts';
import { sameSettings } from '../domain/same-settings.ts';
import { describeRoute, type EntryDescription, enforceText, passText, type RouteDescription } from './describe.ts';
import { LIMIT_KEYS, PLAN_KEYS, type PlanKey } from './plan-keys.ts';

/** One thing that another configuration says. `from` or `to` is missing where there was, or will be, nothing. */
export interface Change {
  readonly kind: 'added' | 'changed' | 'removed';
  /** `GET /v1/weather/:city` for a route, else the key. */
  readonly what: string;
  /** The key of the route; `price` for one that comes or goes. Not there for keys of the file. */
  readonly key?: string;
  readonly from?: string;
  readonly to?: string;
}

/**
 * What is different in another configuration: the price table first, in the order of the files, then the other keys.
 * Secrets are compared and never shown.
 */
export function differenceOf(old: Plan, next: Plan): readonly Change[] {
  return [...routeChanges(old.routes, next.routes), ...keyChanges(old, next)];
}

/** The keys that differ and that only a restart can change, as the file spells them. */
export function fixedKeysChanged(old: Plan, next: Plan): readonly string[] {
  return changedKeys(old, next).flatMap(({ key, fixed }) => (fixed === true ? [key] : []));
}

/** Writes a change in one line: `+ POST /v1/jobs $0.25`, `~ GET /v1/weather/:city $0.001 → $0.002`, `- GET /old $1`. */
export function renderChange({ kind, what, key, from, to }: Change): string {
  const name = key === undefined || key === 'price' ? '' : ` ${key}:`;
  const said = kind === 'changed' ? (from === to ? 'changed' : `${from} → ${to}`) : (to ?? from ?? '');
  return `${{ added: '+', changed: '~', removed: '-' }[kind]} ${what}${key === undefined ? ':' : name} ${said}`;
}

function routeChanges(old: readonly Route[], next: readonly Route[]): readonly Change[] {
  const before = new Map(old.map((route) => [labelOf(route), route]));
  const after = new Set(next.map(labelOf));
  const kept = next.flatMap((route): readonly Change[] => {
    const what = labelOf(route);
    const was = before.get(what);
    return was === undefined
      ? [{ kind: 'added', what, key: 'price', to: pricesText(route) }]
      : changesOf(what, was, route);
  });
  const gone = old
    .filter((route) => !after.has(labelOf(route)))
    .map((route): Change => ({ kind: 'removed', what: labelOf(route), key: 'price', from: pricesText(route) }));
  return [...kept, ...gone];
}

/** Two routes of one table differ in it, whatever they are called. */
function labelOf({ methods, host, pattern }: Route): string {
  return `${methods === undefined ? '*' : [...methods].sort().join(',')} ${host ?? ''}${pattern.text}`;
}

/** Parts of a route's description that are shown one by one; all others belong to the label, or to the price. */
const SHOWN: Readonly<Record<string, (route: RouteDescription) => string>> = {
  accepts: ({ offers }) =>
    offers
      .map(({ scheme, network, symbol, payTo, maxTimeoutSeconds }) =>
        [scheme, symbol, 'on', network, 'to', payTo, 'for', `${maxTimeoutSeconds}s`].join(' '),
      )
      .join(', '),
  prices: ({ prices = [] }) => prices.map(entryText).join('; '),
  name: ({ name }) => name,
  settle: ({ settle = '' }) => settle,
  verify: ({ verify = 'auto' }) => verify,
  upstream: ({ upstream }) => upstream,
  timeout: ({ timeoutMs }) => `${timeoutMs}ms`,
  rewrite: ({ rewrite }) => (rewrite === undefined ? 'none' : `${rewrite.from} to ${rewrite.to}`),
  metered: ({ metered = 'no' }) => metered,
  charge: ({ charge = '2xx' }) => charge,
  idempotent: ({ idempotent = false }) => String(idempotent),
  keepAnswers: ({ keepAnswersBytes }) => (keepAnswersBytes === undefined ? 'off' : `${keepAnswersBytes} bytes`),
  paymentIdentifier: ({ paymentIdentifier = 'off' }) => paymentIdentifier,
  builderCode: ({ builderCode = 'none' }) => builderCode,
  protocols: ({ protocols = [] }) => protocols.join(', '),
  enforce: ({ enforcePercent = 100 }) => enforceText(enforcePercent),
  keys: ({ keys = 'none' }) => keys,
  free: ({ free = 'none' }) => free,
  access: ({ access }) => (access === undefined ? 'none' : passText(access)),
  description: ({ description = '' }) => JSON.stringify(description),
  mcp: ({ mcp = 'none' }) => mcp,
  encoded: ({ encoded = [] }) => (encoded.length === 0 ? 'nothing' : encoded.join(', ')),
  mimeType: ({ mimeType = '' }) => JSON.stringify(mimeType),
  discovery: ({ discovery = 'as the file says' }) => discovery,
};

/** What only a priced route has: that it came or went with the price need not be said. */
const PRICED_ONLY: ReadonlySet<string> = new Set(['accepts', 'settle', 'verify', 'protocols']);

/** All of an entry that a change of the file can change. */
function entryText({
  id,
  when,
  price,
  settle = '',
  verify = '',
  charge = '',
  access,
  description = '',
  offers,
}: EntryDescription): string {
  const payees = [...new Set(offers.map(({ network, payTo }) => `${network} to ${payTo}`))];
  const pass = access === undefined ? '' : passText(access);
  const parts = [id.slice(id.indexOf('#') + 1), when, price, settle, verify, charge, pass, description, ...payees];
  return parts.filter((part) => part !== '').join(', ');
}

function changesOf(what: string, old: Route, next: Route): readonly Change[] {
  if (sameSettings(old, next)) return [];
  const price: readonly Change[] =
    pricesText(old) === pricesText(next)
      ? []
      : [{ kind: 'changed', what, key: 'price', from: pricesText(old), to: pricesText(next) }];
  const [before, after] = [describeRoute(old), describeRoute(next)];
  const bothPriced = before.offers.length > 0 && after.offers.length > 0;
  const others = Object.entries(SHOWN).flatMap(([key, show]): readonly Change[] => {
    if (PRICED_ONLY.has(key) && !bothPriced) return [];
    const [from, to] = [show(before), show(after)];
    return from === to ? [] : [{ kind: 'changed', what, key, from, to }];
  });
  const changes = [...price, ...others];
  // What is not shown, such as the headers that are sent to the upstream.
  return changes.length > 0 ? changes : [{ kind: 'changed', what, key: 'settings that are not shown' }];
}

function keyChanges(old: Plan, next: Plan): readonly Change[] {
  return changedKeys(old, next).map(({ key, show }) => ({
    kind: 'changed',
    what: key,
    from: show(old),
    to: show(next),
  }));
}

function changedKeys(old: Plan, next: Plan): readonly PlanKey[] {
  const changed = (Object.keys(PLAN_KEYS) as (keyof typeof PLAN_KEYS)[]).filter(
    (name) => !sameSettings(old[name], next[name]),
  );
  const limits = (Object.keys(LIMIT_KEYS) as (keyof typeof LIMIT_KEYS)[]).filter(
    (name) => !sameSettings(old.limits[name], next.limits[name]),
  );
  return [...changed.map((name) => PLAN_KEYS[name]), ...limits.map((name) => LIMIT_KEYS[name])];
}
