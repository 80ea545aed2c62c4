import type { McpPrice, McpTarget, McpTerms } from '../domain/mcp-terms.ts';
import type { Price } from '../domain/price.ts';
import type { RoutePrice } from '../domain/route-price.ts';
import type { When } from '../domain/when.ts';
import type { CompiledPrice, PriceListSource } from './compile-price-list.ts';
import { compilePrice, type PriceFields } from './compile-prices.ts';
import { type Field, soundValue } from './decoder.ts';
import type { Entry } from './forms.ts';
import type { McpFields } from './mcp-keys.ts';
import type { RouteFields } from './route-keys.ts';
import type { Source } from './source.ts';

/** Each map of `mcp`: what it prices, and how a call names that. */
const MAPS = [
  ['tools', 'tool', 'tools/call', '/params/name'],
  ['resources', 'resource', 'resources/read', '/params/uri'],
  ['prompts', 'prompt', 'prompts/get', '/params/name'],
] as const;
const METHODS = MAPS.map(([, , method]) => method);

/** Compiles the prices of a route that sells calls of MCP; `undefined` where one of them is not sound. */
export function compileMcpPrices(
  given: PriceListSource,
  mcp: McpFields,
  source: Source,
): readonly CompiledPrice[] | undefined {
  checkIds(given.name, mcp, source);
  const { charge, verify } = given.fields;
  if (soundValue(charge)?.unlessJson.length)
    source.report(
      charge.place,
      'unlessJson has no effect: a call of MCP that failed costs nothing',
      'a list of statuses',
    );
  if (soundValue(verify) === 'alongside')
    source.report(verify.place, 'alongside has no effect: a call of MCP is charged by its answer', 'auto or always');
  const compiled = namesIn(mcp).map(({ target, pattern, method, pointer, entry }) => {
    const when: When = [
      { subject: { kind: 'jsonrpc' }, test: { kind: 'texts', patterns: [method] } },
      { subject: { kind: 'json', pointer }, test: { kind: 'texts', patterns: [pattern] } },
    ];
    return compileOne(given, { id: idOf(given.name, target, pattern), when, field: entry.field }, source);
  });
  const rest = otherwiseOf(given, mcp, source);
  const all = rest === 'refuse' ? compiled : [...compiled, rest];
  const sound = all.filter((each) => each !== undefined);
  if (sound.length < all.length) return undefined;
  if (sound.length === 0) {
    source.report(
      given.place,
      'nothing of the MCP server has a price',
      'mcp: { tools: { search: $0.01 } }, for instance',
    );
    return undefined;
  }
  return sound;
}

/**
 * How the messages of a route are sold.
 *
 * @param prices what {@link compileMcpPrices} made: one for each name in their order, then what `otherwise` says
 */
export function mcpTerms({ mcp: field }: RouteFields, prices: readonly RoutePrice[]): McpTerms | undefined {
  const mcp = soundValue(field);
  if (mcp === undefined) return undefined;
  const names = namesIn(mcp);
  const listed = names.flatMap(({ target, pattern }, index): McpPrice[] => {
    const price = prices[index];
    return price === undefined ? [] : [{ target, pattern, price }];
  });
  return {
    prices: listed,
    otherwise: prices[names.length] ?? 'refuse',
    binding: soundValue(mcp.binding) ?? 'result',
    describes: soundValue(mcp.describe) ?? false,
  };
}

/** A name that has a price, and how a call gives it. */
interface PricedName {
  readonly target: McpTarget;
  readonly pattern: string;
  readonly method: string;
  readonly pointer: string;
  readonly entry: Entry<Price>;
}

/**
 * The names of all maps, so that the first that fits is the one that is meant: a name without a wildcard before all others,
 * and what says more before what says less.
 */
function namesIn(mcp: McpFields): readonly PricedName[] {
  return MAPS.flatMap(([key, target, method, pointer]) =>
    (soundValue(mcp[key]) ?? []).map((entry) => ({ target, pattern: entry.key, method, pointer, entry })),
  ).sort((a, b) => weight(b.pattern) - weight(a.pattern));
}

/** Ids are labels of metrics: two names of which they say the same would share their rows. */
function checkIds(route: string, mcp: McpFields, source: Source): void {
  const taken = new Map<string, string>();
  for (const { target, pattern, entry } of namesIn(mcp)) {
    const id = idOf(route, target, pattern);
    const other = taken.get(id);
    if (other !== undefined)
      source.report(
        entry.keyPlace,
        `metrics and the ledger cannot tell it from ${JSON.stringify(other)}`,
        'names that differ in printable ASCII characters other than #',
      );
    taken.set(id, pattern);
  }
}

const EXACT = 1000;

function weight(pattern: string): number {
  return (pattern.includes('*') ? 0 : EXACT) + pattern.length;
}

function idOf(route: string, target: McpTarget, pattern: string): string {
  return `${route}#${target}=${pattern.replaceAll(/[^\x21-\x7e]|#/g, '_')}`;
}

function otherwiseOf(given: PriceListSource, mcp: McpFields, source: Source): CompiledPrice | undefined | 'refuse' {
  const { otherwise } = mcp;
  if (otherwise.kind === 'absent') return 'refuse';
  const value = soundValue(otherwise);
  if (value === undefined) return undefined;
  if (value === 'refuse') return 'refuse';
  const when: When = [{ subject: { kind: 'jsonrpc' }, test: { kind: 'texts', patterns: METHODS } }];
  const field: Field<Price> = { kind: 'value', place: otherwise.place, value };
  return compileOne(given, { id: `${given.name}#otherwise`, when, field }, source);
}

function compileOne(
  given: PriceListSource,
  { id, when, field }: { readonly id: string; readonly when: When; readonly field: Field<Price> },
  source: Source,
): CompiledPrice | undefined {
  const { accepts, payTo, settle, verify, charge, access, description } = given.fields;
  const isFree = soundValue(field)?.kind === 'free';
  const absent = { kind: 'absent', place: field.place } as const;
  const fields: PriceFields = {
    price: field,
    description,
    accepts,
    payTo,
    settle: isFree ? absent : settle,
    verify: isFree ? absent : verify,
    charge: isFree ? absent : charge,
    access: isFree ? absent : access,
  };
  const price = compilePrice({ ...given, id, when, fields }, source);
  return price && { price, fields };
}
