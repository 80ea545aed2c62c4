import { randomBytes } from 'node:crypto';
import type { RemoteFacilitatorSpec } from '../../domain/facilitator-spec.ts';
import { isJsonObject } from '../../domain/payment.ts';
import type { Json } from '../../domain/x402.ts';
import { openCdpKey } from '../../facilitator/remote/cdp-token.ts';

/** Entries of one page, and the most pages that are read of one catalogue. */
const PAGE = 100;
const MOST_PAGES = 100;
/** Time for one page, in milliseconds. */
const PATIENCE_MS = 15_000;

/** What a catalogue lists. */
export interface ListedResource {
  /** Its URL, with `:name` for what a template leaves open. */
  readonly url: string;
}

/** Which catalogue, and how its facilitator knows us. */
export type CatalogueAddress = Pick<RemoteFacilitatorSpec, 'url' | 'headers' | 'cdp'>;

/** Makes the headers of a request for one address: a token of Coinbase's is good for one only. */
type Login = (address: URL) => readonly (readonly [string, string])[];

/**
 * Reads the catalogue behind a facilitator, as far as it lists what is paid to one of `payees`. The facilitator is asked as
 * for a payment, with its headers and its key.
 *
 * @throws Error when it cannot be read; the message is for people
 * @see x402 specification, `GET /discovery/resources`
 */
export async function readCatalogue(
  { url, headers, cdp }: CatalogueAddress,
  payees: readonly string[],
): Promise<readonly ListedResource[]> {
  const makeToken = cdp === undefined ? undefined : openCdpKey(cdp);
  const login: Login = (address) => {
    const token = makeToken?.('GET', address, Math.floor(Date.now() / 1000), randomBytes(16));
    return token === undefined ? headers : [...headers, ['authorization', `Bearer ${token}`]];
  };
  const found = await Promise.all(payees.map((payTo) => readAll(url, payTo, login)));
  return found.flat();
}

async function readAll(url: string, payTo: string, login: Login): Promise<ListedResource[]> {
  const listed: ListedResource[] = [];
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const query = new URLSearchParams({ payTo, limit: String(PAGE), offset: String(page * PAGE) });
    const items = await readPage(new URL(`${url}/discovery/resources?${query}`), login);
    for (const item of items)
      if (isJsonObject(item) && typeof item['resource'] === 'string') listed.push({ url: item['resource'] });
    if (items.length < PAGE) break;
  }
  return listed;
}

async function readPage(address: URL, login: Login): Promise<readonly Json[]> {
  const answer = await fetch(address, {
    headers: [
      ...login(address).map(([name, value]): [string, string] => [name, value]),
      ['accept', 'application/json'],
    ],
    redirect: 'error',
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (answer.status === 401 || answer.status === 403)
    throw new Error(`its catalogue asks for a login (${answer.status}): headers or cdp of the facilitator`);
  if (answer.status === 404) throw new Error('it has no catalogue (404)');
  if (!answer.ok) throw new Error(`its catalogue answers ${answer.status}`);
  const body: Json = JSON.parse(await answer.text());
  if (!isJsonObject(body) || !Array.isArray(body['items']))
    throw new Error('its catalogue says nothing that can be read');
  return body['items'];
}
