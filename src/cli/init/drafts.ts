import type { Operation, OperationList } from '../../openapi/operations.ts';
import { mergeAmbiguous, type OperationGroup, OperationGroups } from './operation-groups.ts';
import { dearest, operationName, type Pricing, priceOf } from './pricing.ts';
import { routePathOf } from './route-path.ts';

/** A route of the file to be written. */
export interface RouteDraft {
  readonly method: string;
  readonly path: string;
  readonly name: string | undefined;
  /** As the file writes it. */
  readonly price: string;
  readonly description: string | undefined;
  readonly mimeType: string | undefined;
  /** What a reader of the file should know. */
  readonly comments: readonly string[];
}

/** A route of which nothing is known but how it is matched and what it costs. */
export const PLAIN_ROUTE = { name: undefined, description: undefined, mimeType: undefined, comments: [] } as const;

/** Routes for an API description, and what no route can say. */
export interface Drafts {
  readonly routes: readonly RouteDraft[];
  /** How many operations the routes cover. */
  readonly covered: number;
  readonly unsayable: readonly string[];
  /** Names in `--free` that are no operation, with the operation that was probably meant. */
  readonly unknownFree: readonly string[];
  /** Tags in `--price-per-tag` that no operation has. */
  readonly unknownTags: readonly string[];
  /** Names in `--free` that only a wider route covers: a free wider route would give away more than was meant. */
  readonly widerFree: readonly string[];
}

/** Methods that reach no API through the gateway. */
const FORWARDED = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const MAX_DESCRIPTION = 200;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/;
const MEDIA_TYPE = /^[A-Za-z0-9!#$&^_.+-]+\/[A-Za-z0-9!#$&^_.+-]+$/;

/**
 * Makes one route for each operation. Operations that the same requests match share a route at their highest price. The
 * route is free only where all of them were named as free.
 */
export function draftRoutes({ operations, unreadable }: OperationList, pricing: Pricing): Drafts {
  const unsayable = unreadable.map(({ place, wrong }) => `${place}: ${wrong}`);
  const separate = new OperationGroups();
  for (const operation of operations) {
    const path = routePathOf(operation.template);
    const wrong = FORWARDED.has(operation.method) ? undefined : `the gateway does not forward ${operation.method}`;
    if (wrong !== undefined || !path.ok) {
      unsayable.push(`${operationName(operation)}: ${wrong ?? (path.ok ? '' : path.wrong)}`);
      continue;
    }
    const { pattern, note } = path;
    separate.add({
      method: operation.method,
      pattern,
      operations: [operation],
      notes: note === undefined ? [] : [note],
    });
  }
  const groups = mergeAmbiguous(separate).all();
  const names = new Set<string>();
  const named = new Set(operations.map(operationName));
  return {
    routes: groups.map((group) => draftOf(group, pricing, names)),
    covered: groups.reduce((sum, group) => sum + group.operations.length, 0),
    unsayable,
    unknownFree: [...pricing.free].filter((name) => !named.has(name)).map((name) => withMeant(name, named)),
    unknownTags: [...pricing.byTag.keys()].filter((tag) => !operations.some(({ tags }) => tags.includes(tag))),
    widerFree: groups.filter(({ notes }) => notes.length > 0).flatMap((group) => namedFree(group, pricing)),
  };
}

/** Paths in a description do not hold its base path. */
function withMeant(name: string, named: ReadonlySet<string>): string {
  const [method = '', path = ''] = name.split(' ');
  const meant = [...named].find((each) => each.startsWith(`${method} `) && each.endsWith(path));
  return meant === undefined ? name : `${name} (${meant} is one)`;
}

function namedFree({ operations }: OperationGroup, { free }: Pricing): readonly string[] {
  return operations.map(operationName).filter((name) => free.has(name));
}

function draftOf(group: OperationGroup, pricing: Pricing, names: Set<string>): RouteDraft {
  const { method, pattern, operations, notes } = group;
  const isFree = namedFree(group, pricing).length === operations.length;
  const prices = operations.map((operation) => priceOf(operation, pricing));
  const [first] = operations;
  const text = first?.summary ?? first?.description;
  const shared = operations.length === 1 ? [] : [`also: ${operations.slice(1).map(operationName).join(', ')}`];
  return {
    method,
    path: pattern.text,
    name: nameOf(operations, names),
    price: isFree ? 'free' : dearest(prices, pricing.price).text,
    description: text === undefined ? undefined : oneLine(text),
    mimeType: first?.mimeType !== undefined && MEDIA_TYPE.test(first.mimeType) ? first.mimeType : undefined,
    comments: [...shared, ...new Set(notes)],
  };
}

/** The operation's own id, where it is a name that no other route has. */
function nameOf(operations: readonly Operation[], names: Set<string>): string | undefined {
  const id = operations.map((operation) => operation.id).find((each) => each !== undefined);
  if (id === undefined || !NAME.test(id) || names.has(id)) return undefined;
  names.add(id);
  return id;
}

function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length <= MAX_DESCRIPTION
    ? line
    : `${line.slice(0, MAX_DESCRIPTION - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
