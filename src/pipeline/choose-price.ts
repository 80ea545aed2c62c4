import { readCalls } from '../content/asked-calls.ts';
import { Decision } from '../content/decision.ts';
import type { GraphqlOperation } from '../content/graphql-request.ts';
import type { AskedHead } from '../content/head-facts.ts';
import type { JsonFacts } from '../content/json-reader.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { sumOf } from '../domain/price-sum.ts';
import type { Route } from '../domain/route.ts';
import { dearestOf, mayCostMore, type PricePart, type RoutePrice } from '../domain/route-price.ts';
import { isOfBody } from '../domain/when.ts';
import { checkAgent } from './check-agent.ts';
import type { AskingRequest } from './exchange.ts';
import { RequestFacts } from './request-facts.ts';

/** What a request costs. */
export interface ChosenPrice {
  readonly price: RoutePrice;
  /** The body, where it decided the price. */
  readonly pricedBody: Buffer | undefined;
}

/**
 * Chooses the price of a request: the first of its route whose conditions hold. The body is read, within its bound,
 * only where it decides. A request without a price is refused, and nothing of it is forwarded.
 *
 * A request without a body gets the highest price that a body could bring, so that probes see one.
 *
 * @throws GatewayError `request_not_priced`, `request_ambiguous`; once the body is asked for, `body_ambiguous`,
 *   `request_body_too_large` and the faults of reading a body
 */
export function choosePrice(request: AskingRequest, route: Route): ChosenPrice | PriceOfBody {
  const [only] = route.prices;
  if (only !== undefined && only.when.length === 0) return { price: only, pricedBody: undefined };
  const head = new HeadOfRequest(request, route);
  const asking: Asking = { request, route, decision: decisionOf(route), head };
  const found = asking.decision.byHead(new RequestFacts(head));
  switch (found.kind) {
    case 'chosen':
      return { price: found.choice, pricedBody: undefined };
    case 'none':
      throw notPriced(route);
    case 'body':
      return new PriceOfBody(asking, found.possible);
  }
}

/** The decisions that were compiled. They hold nothing but what follows from their routes, and go with them. */
const DECISIONS = new WeakMap<Route, Decision<RoutePrice>>();

/** The decision between the prices of a route: compiled with its first request, for its prices never change. */
function decisionOf(route: Route): Decision<RoutePrice> {
  const known = DECISIONS.get(route);
  if (known !== undefined) return known;
  const decision = new Decision(route.prices, mayCostMore);
  DECISIONS.set(route, decision);
  return decision;
}

/** Chooses the price of a request, and waits for the body where it decides. */
export async function priceOfRequest(request: AskingRequest, route: Route): Promise<ChosenPrice> {
  const choosing = choosePrice(request, route);
  return choosing instanceof PriceOfBody ? choosing.choose(await choosing.read()) : choosing;
}

/** A request with its route, and what conditions see of its head. */
interface Asking {
  readonly request: AskingRequest;
  readonly route: Route;
  readonly decision: Decision<RoutePrice>;
  readonly head: AskedHead;
}

/** The head for conditions. An agent's signature is checked once, and only where a condition asks for it. */
class HeadOfRequest implements AskedHead {
  readonly #request: AskingRequest;
  readonly #route: Route;
  #verified: boolean | undefined;

  constructor(request: AskingRequest, route: Route) {
    this.#request = request;
    this.#route = route;
  }

  get method(): string {
    return this.#request.method;
  }

  get query(): string {
    return this.#request.query;
  }

  get rawHeaders(): readonly string[] {
    return this.#request.head.rawHeaders;
  }

  isVerified(): boolean {
    this.#verified ??= checkAgent(this.#request, this.#route).kind === 'verified';
    return this.#verified;
  }
}

/** A price that depends on the body: the body is read first, then the price is chosen. */
export class PriceOfBody {
  readonly #asking: Asking;
  readonly #possible: readonly RoutePrice[];
  /** The reader of GraphQL, loaded with the first body that needs it. */
  #graphql: typeof import('../content/graphql.ts') | undefined;

  constructor(asking: Asking, possible: readonly RoutePrice[]) {
    this.#asking = asking;
    this.#possible = possible;
  }

  /** The route of the price. */
  get route(): Route {
    return this.#asking.route;
  }

  /** Whether some body costs something. */
  get mayCost(): boolean {
    return this.#possible.some(({ kind }) => kind === 'priced');
  }

  /**
   * Reads the body within its bound; `undefined` where there is none.
   *
   * @throws GatewayError `request_body_too_large` and the other faults of reading a body
   */
  read(): Promise<Buffer | undefined> {
    return this.#asking.decision.isGraphql ? this.#readOperation() : readBodyOf(this.#asking);
  }

  /**
   * Reads the body without waiting, where all of it has arrived; else `undefined`.
   *
   * @throws GatewayError the same
   */
  readArrived(): Buffer | undefined {
    const { decision, request } = this.#asking;
    return decision.isGraphql ? undefined : request.body?.readArrived(request.runtime.plan.limits.pricedBodyBytes);
  }

  /**
   * Chooses by the bytes of the body.
   *
   * @throws GatewayError `request_not_priced`, `request_ambiguous`, `body_ambiguous`
   */
  choose(bytes: Buffer | undefined): ChosenPrice {
    const graphql = this.#graphql;
    if (graphql !== undefined) return this.#chooseByOperation(graphql, bytes);
    const asking = this.#asking;
    if (bytes === undefined || bytes.length === 0) return chosen(asking, priceOfNothing(this.#possible));
    const { decision, head } = asking;
    const calls = readCalls(decision, head, bytes);
    return chosenByCalls(asking, calls, (call) => decision.first(new RequestFacts(head, call)), bytes);
  }

  async #readOperation(): Promise<Buffer | undefined> {
    this.#graphql = await import('../content/graphql.ts');
    return await readBodyOf(this.#asking);
  }

  #chooseByOperation(graphql: typeof import('../content/graphql.ts'), bytes: Buffer | undefined): ChosenPrice {
    const asking = this.#asking;
    const { request, decision, head } = asking;
    if (bytes === undefined || bytes.length === 0) {
      const inUrl = graphql.operationOfSearch(request.query, decision.pointers);
      return chosen(
        asking,
        inUrl === undefined ? priceOfNothing(this.#possible) : priceOfOperation(asking, inUrl.operation, inUrl.call),
      );
    }
    const operationOf = graphql.operationsBeside(request.query);
    const calls = readCalls(decision, head, bytes);
    return chosenByCalls(asking, calls, (call) => priceOfOperation(asking, operationOf(call), call), bytes);
  }
}

function readBodyOf({ request }: Asking): Promise<Buffer | undefined> {
  return request.body?.read(request.runtime.plan.limits.pricedBodyBytes) ?? Promise.resolve(undefined);
}

/** @throws GatewayError `request_not_priced` where there is no price */
function chosen({ route }: Asking, price: RoutePrice | undefined): ChosenPrice {
  if (price === undefined) throw notPriced(route);
  return { price, pricedBody: undefined };
}

/** @throws GatewayError `request_not_priced` where a call has no price */
function chosenByCalls(
  { route }: Asking,
  calls: readonly JsonFacts[],
  priceOf: (call: JsonFacts) => RoutePrice | undefined,
  pricedBody: Buffer,
): ChosenPrice {
  const prices = calls.map((call) => {
    const price = priceOf(call);
    if (price === undefined) throw notPriced(route);
    return price;
  });
  return { price: priceOfAll(route, prices), pricedBody };
}

/**
 * The highest price that a body could bring. If all are free, the free price without conditions on the body;
 * `undefined` where there is none.
 */
function priceOfNothing(possible: readonly RoutePrice[]): RoutePrice | undefined {
  const dearest = dearestOf(possible);
  return dearest.kind === 'priced'
    ? dearest
    : possible.find(({ when }) => !when.some(({ subject }) => isOfBody(subject)));
}

/** The highest price of the root fields of an operation; `undefined` where one of them has none. */
function priceOfOperation(
  { decision, head }: Asking,
  operation: GraphqlOperation,
  call: JsonFacts,
): RoutePrice | undefined {
  const prices: RoutePrice[] = [];
  for (const field of operation.fields) {
    const price = decision.first(new RequestFacts(head, call, { operation, field }));
    if (price === undefined) return undefined;
    prices.push(price);
  }
  return dearestOf(prices);
}

/** The price of several calls together: free ones add nothing, and a single one keeps its own price. */
function priceOfAll(route: Route, prices: readonly RoutePrice[]): RoutePrice {
  const [first] = prices;
  if (first === undefined) throw new Error('a body that asks nothing');
  if (prices.length === 1) return first;
  const counts = new Map<RoutePrice, number>();
  for (const price of prices) counts.set(price, (counts.get(price) ?? 0) + 1);
  const parts: PricePart[] = [];
  for (const [price, count] of counts) if (price.kind === 'priced') parts.push({ price, count });
  const [part, ...others] = parts;
  if (part === undefined) return first;
  if (others.length === 0 && part.count === 1) return part.price;
  // A meter reads one answer, of one call only.
  if (parts.some(({ price }) => price.metering !== undefined)) throw notPriced(route);
  return sumOf(route.name, parts);
}

function notPriced({ name }: Route): GatewayError {
  return new GatewayError('request_not_priced', { detail: `No price of ${name} is for this request.` });
}
