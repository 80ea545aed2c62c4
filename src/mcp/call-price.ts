import { bodyAmbiguous } from '../content/json-fault.ts';
import { type McpPrice, type McpTerms, mcpPriceOf } from '../domain/mcp-terms.ts';
import type { RoutePrice } from '../domain/route-price.ts';
import { fitsPattern } from '../domain/when.ts';
import type { McpCall } from './message.ts';
import { holdsBlank, patternForms, readingsOf } from './name-forms.ts';

/**
 * The price of a call; `refuse` where there is none. The server gets the name as it was written and may read it as
 * another one: `page://pre\tmium` as `page://premium`. A name that has another price then is refused.
 *
 * @throws GatewayError `body_ambiguous`
 */
export function priceOfCall(
  terms: McpTerms,
  { target, name }: Pick<McpCall, 'target' | 'name'>,
): RoutePrice | 'refuse' {
  if (target === 'resource' && holdsBlank(name))
    throw bodyAmbiguous(
      'params.uri holds a blank or a control character, which some servers drop. Send the URI percent-encoded.',
    );
  const price = mcpPriceOf(terms, target, name);
  if (price === 'refuse') return price;
  const other = readingsOf(target, name).find((reading) => !isSame(price, priceOfReading(terms, target, reading)));
  if (other === undefined) return price;
  const [member, right] = target === 'resource' ? ['uri', 'in its normal form'] : ['name', 'as the server lists it'];
  throw bodyAmbiguous(
    `params.${member} can be read as ${JSON.stringify(other.slice(0, 200))}, which has another price. Send it ${right}.`,
  );
}

/** A memo of the forms of patterns: prices last as long as their plan. */
const FORMS = new WeakMap<McpPrice, readonly string[]>();

function formsOf(price: McpPrice): readonly string[] {
  const known = FORMS.get(price);
  if (known !== undefined) return known;
  const forms = patternForms(price.target, price.pattern);
  FORMS.set(price, forms);
  return forms;
}

function priceOfReading(
  { prices, otherwise }: McpTerms,
  target: McpCall['target'],
  reading: string,
): RoutePrice | 'refuse' {
  const found = prices.find(
    (each) => each.target === target && formsOf(each).some((pattern) => fitsPattern(pattern, reading)),
  );
  return found?.price ?? otherwise;
}

/** Whether it is no matter which of two prices a call has. A pass opens the calls of one price, so that it is then. */
function isSame(price: RoutePrice, other: RoutePrice | 'refuse'): boolean {
  if (other === 'refuse') return false;
  if (price === other || (price.kind === 'free' && other.kind === 'free')) return true;
  if (price.kind === 'free' || other.kind === 'free') return false;
  return price.text === other.text && price.access === undefined && other.access === undefined;
}
