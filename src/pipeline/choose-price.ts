import { createHash } from 'node:crypto';
import { bodyFact, readBody } from '../content/body-facts.ts';
import type { Decision } from '../content/decision.ts';
import type { Fact, Facts } from '../content/fact.ts';
import { headFact } from '../content/head-facts.ts';
import type { JsonFacts } from '../content/json-reader.ts';
import { GatewayError } from '../domain/gateway-error.ts';
import { sumOf } from '../domain/price-sum.ts';
import type { Route } from '../domain/route.ts';
import { dearestOf, type PricePart, type RoutePrice } from '../domain/route-price.ts';
import type { Subject } from '../domain/when.ts';
import type { RequestBody } from '../proxy/request-body.ts';
import type { AcceptedHead } from './exchange.ts';

/** What a request costs. */
export interface ChosenPrice {
  readonly price: RoutePrice;
  /** SHA-256 of the body, hex, where the body decided it. */
  readonly pricedBody: string | undefined;
}

/** A request whose price is asked for. */
export interface AskingRequest extends AcceptedHead {
  readonly body: Pick<RequestBody, 'read'> | undefined;
}

/**
 * Chooses the price of a request: the first of its route whose conditions hold. The body is read, within its bound, only
 * where it decides. Nothing fits: refused, and nothing of it is forwarded.
 *
 * A request without a body gets the dearest price that a body could bring, so that probes see one.
 *
 * @throws GatewayError `request_not_priced`, `request_ambiguous`; once the body is asked for, `body_ambiguous`,
 *   `request_body_too_large` and what reading a body can end with
 */
export function choosePrice(request: AskingRequest, route: Route): ChosenPrice | Promise<ChosenPrice> {
  const [only] = route.prices;
  if (only !== undefined && only.when.length === 0) return { price: only, pricedBody: undefined };
  const decision = request.runtime.decision(route);
  const found = decision.byHead(factsOf(request, undefined));
  switch (found.kind) {
    case 'chosen':
      return { price: found.choice, pricedBody: undefined };
    case 'none':
      throw notPriced(route);
    case 'body':
      return chooseByBody(request, route, decision, found.possible);
  }
}

async function chooseByBody(
  request: AskingRequest,
  route: Route,
  decision: Decision<RoutePrice>,
  possible: readonly RoutePrice[],
): Promise<ChosenPrice> {
  const bytes = await request.body?.read(request.runtime.plan.limits.pricedBodyBytes);
  if (bytes === undefined || bytes.length === 0) return { price: dearestOf(possible), pricedBody: undefined };
  const asked = readBody(bytes, request.head.rawHeaders, decision.pointers, decision.byCall);
  const pricedBody = createHash('sha256').update(bytes).digest('hex');
  const prices = asked.calls.map((call) => {
    const price = decision.first(factsOf(request, call));
    if (price === undefined) throw notPriced(route);
    return price;
  });
  return { price: priceOfAll(route, prices), pricedBody };
}

/** What several calls cost together: free ones cost nothing, and one alone keeps its price. */
function priceOfAll(route: Route, prices: readonly RoutePrice[]): RoutePrice {
  const counts = new Map<RoutePrice, number>();
  for (const price of prices) counts.set(price, (counts.get(price) ?? 0) + 1);
  const parts: PricePart[] = [];
  for (const [price, count] of counts) if (price.kind === 'priced') parts.push({ price, count });
  const [first] = prices;
  if (first === undefined) throw new Error('a body that asks nothing');
  const [part, ...others] = parts;
  if (part === undefined) return first;
  return others.length === 0 && part.count === 1 ? part.price : sumOf(route.name, parts);
}

/** @param call `undefined` where the body is not known */
function factsOf({ method, query, head }: AskingRequest, call: JsonFacts | undefined): Facts {
  return {
    of(subject: Subject): Fact {
      if (subject.kind !== 'json' && subject.kind !== 'jsonrpc')
        return headFact(subject, { method, query, rawHeaders: head.rawHeaders });
      if (call === undefined) throw new Error('a condition of the body before it was read');
      return bodyFact(subject, call);
    },
  };
}

function notPriced({ name }: Route): GatewayError {
  return new GatewayError('request_not_priced', { detail: `No price of ${name} is for this request.` });
}
