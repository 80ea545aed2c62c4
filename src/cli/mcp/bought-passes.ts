import { memberAt } from '../../domain/exact-json.ts';
import { ACCESS_PASS, ACCESS_TOKEN_HEADER } from '../../protocol/access-pass.ts';
import { readHeaderObject } from '../../protocol/header-json.ts';
import { paymentHeader } from '../pay/payment-protocols.ts';

/** Sends a request. */
type Fetch = (request: Request) => Promise<Response>;

/** What came of a request: the answer, and whether a pass opened it. */
export interface Opened {
  readonly response: Response;
  readonly byPass: boolean;
}

/**
 * The passes that were bought at gateways, which open later calls without another payment. Each is for one scope of one
 * origin, and its token goes to no other.
 */
export class BoughtPasses {
  readonly #tokens = new Map<string, string>();

  /**
   * Sends a request. Where the answer asks for the price of a pass that was bought before, it is sent once more with that
   * pass; a 402 to that says that the pass is used up. A pass that an answer brings is kept.
   */
  async open(request: Request, fetch: Fetch): Promise<Opened> {
    const { origin } = new URL(request.url);
    const isPlain = paymentHeader(request.headers) === undefined && !request.headers.has(ACCESS_TOKEN_HEADER);
    const response = await fetch(request.clone());
    const offered = response.status === 402 && isPlain ? scopeIn(response.headers.get('payment-required')) : undefined;
    const key = passKey(origin, offered);
    const token = key === undefined ? undefined : this.#tokens.get(key);
    if (key === undefined || token === undefined) {
      this.#keep(origin, response.headers);
      return { response, byPass: false };
    }
    await response.body?.cancel();
    const coming = new Request(request);
    coming.headers.set(ACCESS_TOKEN_HEADER, token);
    const opened = await fetch(coming);
    if (opened.status === 402) this.#tokens.delete(key);
    return { response: opened, byPass: opened.status !== 402 };
  }

  #keep(origin: string, headers: Headers): void {
    const token = headers.get(ACCESS_TOKEN_HEADER);
    const key = passKey(origin, scopeIn(headers.get('payment-response')));
    if (token !== null && key !== undefined) this.#tokens.set(key, token);
  }
}

function passKey(origin: string, scope: string | undefined): string | undefined {
  return scope === undefined ? undefined : `${origin} ${scope}`;
}

/** The scope of the pass that a 402 or a receipt tells of. */
function scopeIn(header: string | null): string | undefined {
  const scope = memberAt(readHeaderObject(header) ?? {}, ['extensions', ACCESS_PASS, 'info', 'scope']);
  return typeof scope === 'string' ? scope : undefined;
}
