import type { DiscoveryTerms } from '../domain/discovery.ts';
import { descriptionOf, isPriced, pricesText } from '../domain/route-price.ts';
import { type DiscoverySubject, infoOf, type SoldOperation, soldOperations } from './api-document.ts';

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
  const summary = operation['summary'] ?? descriptionOf(route);
  return `- [${method} ${template}](${origin}${template}): ${price}${typeof summary === 'string' ? `. ${oneLine(summary)}` : ''}`;
}

function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
}
