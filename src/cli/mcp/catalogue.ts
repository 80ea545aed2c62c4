import { isJsonObject } from '../../domain/payment.ts';
import type { Json, JsonObject } from '../../domain/x402.ts';
import { printable } from '../terminal.ts';

/** Something that a gateway sells or gives away. */
export interface CatalogueEntry {
  readonly method: string;
  readonly url: string;
  readonly summary: string;
  /** `0.001 USD`; `free` where nothing is asked for. */
  readonly price: string;
}

/** Largest description that is read, in bytes. */
const MOST_BYTES = 16 * 1024 * 1024;
const METHODS = new Set(['get', 'post', 'put', 'patch', 'delete']);

/**
 * Reads what a gateway publishes at `/openapi.json`.
 *
 * @throws Error when it cannot be read; the message is for people
 */
export async function readCatalogue(gateway: string, ask: typeof fetch): Promise<readonly CatalogueEntry[]> {
  const address = new URL('/openapi.json', gateway);
  const answer = await ask(address, { headers: { accept: 'application/json' }, signal: AbortSignal.timeout(20_000) });
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  if (bytes.length > MOST_BYTES) throw new Error(`${address} is larger than ${MOST_BYTES} bytes`);
  const document: Json = JSON.parse(bytes.toString('utf8'));
  if (!isJsonObject(document) || !isJsonObject(document['paths'])) throw new Error(`${address} describes no API`);
  return Object.entries(document['paths']).flatMap(([template, item]) =>
    isJsonObject(item) ? entriesOf(template, item, gateway) : [],
  );
}

function entriesOf(template: string, item: JsonObject, gateway: string): readonly CatalogueEntry[] {
  return Object.entries(item).flatMap(([method, operation]) =>
    METHODS.has(method) && isJsonObject(operation)
      ? [
          {
            method: method.toUpperCase(),
            url: printable(new URL(gateway).origin + template),
            summary: summaryOf(operation),
            price: priceOf(operation['x-payment-info']),
          },
        ]
      : [],
  );
}

function summaryOf({ summary, description }: JsonObject): string {
  const text = [summary, description].find((each) => typeof each === 'string') ?? '';
  return printable(text).slice(0, 300);
}

/** The price as the document states it; what is charged is what the 402 says. */
function priceOf(info: Json | undefined): string {
  if (!isJsonObject(info)) return 'free';
  const { price } = info;
  if (!isJsonObject(price) || typeof price['amount'] !== 'string') return 'stated by its 402';
  return printable(`${price['amount']} ${typeof price['currency'] === 'string' ? price['currency'] : 'USD'}`);
}

/** Entries in which every word of a query stands, those with the fewest other words first. */
export function matching(entries: readonly CatalogueEntry[], query: string): readonly CatalogueEntry[] {
  const words = query
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
  return entries
    .filter((entry) => words.every((word) => textOf(entry).includes(word)))
    .sort((a, b) => textOf(a).length - textOf(b).length);
}

function textOf({ method, url, summary }: CatalogueEntry): string {
  return `${method} ${url} ${summary}`.toLowerCase();
}
