import { TOOLS_PATH } from '../domain/api-tool.ts';
import { type DiscoveryTerms, takesBody } from '../domain/discovery.ts';
import { descriptionOf, isPriced, pricesText } from '../domain/route-price.ts';
import type { StatedCalls } from '../domain/stated-calls.ts';
import type { Json } from '../domain/x402.ts';
import { type DiscoverySubject, infoOf, type SoldOperation, soldOperations } from './api-document.ts';

/** Longest example that stands beside a price, in characters: longer ones are in the OpenAPI document. */
const MAX_EXAMPLE = 300;

/** The `llms.txt` of what is for sale: what it is, how to pay, and every operation with its price. See llmstxt.org. */
export function llmsText(plan: DiscoverySubject, terms: DiscoveryTerms): string {
  const { title, description } = infoOf(terms.document?.root ?? {}, terms);
  const sold = soldOperations(plan, terms);
  const priced = sold.filter(({ route }) => isPriced(route));
  const free = sold.filter(({ route }) => !isPriced(route));
  const origin = plan.publicUrl ?? '';
  return [
    `# ${oneLine(String(title))}`,
    ...(typeof description === 'string' ? ['', `> ${oneLine(description)}`] : []),
    '',
    'Calls are paid one by one with the x402 protocol; no account and no key is needed. A call without payment is answered',
    '`402 Payment Required`: its `PAYMENT-REQUIRED` header holds the price as base64 of JSON. Sign one of `accepts`, and send',
    'the same request again with the payment in `PAYMENT-SIGNATURE`. x402 clients such as `@x402/fetch` do all of that.',
    '',
    `The whole description is the OpenAPI document at ${origin}/openapi.json; \`x-payment-info\` states each price there.`,
    ...(terms.mcp ? [`The priced operations are tools of an MCP server, too: ${origin}${TOOLS_PATH}`] : []),
    ...section('Priced operations', priced, origin),
    ...section('Free operations', free, origin),
    '',
  ].join('\n');
}

function section(title: string, operations: readonly SoldOperation[], origin: string): readonly string[] {
  if (operations.length === 0) return [];
  return ['', `## ${title}`, '', ...operations.map((operation) => line(operation, origin))];
}

function line({ method, template, route, operation }: SoldOperation, origin: string): string {
  const price = isPriced(route) ? `${pricesText(route)} a call` : 'free';
  const told = [operation['summary'] ?? descriptionOf(route), route.stated?.description];
  const words = told.flatMap((text) => (typeof text === 'string' ? [`. ${oneLine(text)}`] : []));
  const head = `- [${method} ${template}](${origin}${template}): ${price}${words.join('')}`;
  return [head, ...examples(route.stated, method)].join('\n');
}

/** A route's own description of its calls, short enough to be read at a glance. */
function examples(stated: StatedCalls | undefined, method: string): readonly string[] {
  const { query, body, output } = stated ?? {};
  const said: readonly (readonly [string, Json | undefined])[] = [
    ['query', query],
    [`body (${body?.type ?? 'json'})`, takesBody(method) ? body?.example : undefined],
    ['answer', output],
  ];
  return said.flatMap(([what, example]) => {
    const text = example === undefined ? '' : JSON.stringify(example);
    return text === '' || text.length > MAX_EXAMPLE ? [] : [`  - ${what}, such as \`${text}\``];
  });
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
}
