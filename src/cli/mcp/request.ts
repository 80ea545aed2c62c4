import { METHODS } from '../../config/route-keys.ts';

/** What an agent asks for. */
export interface AskedRequest {
  readonly url: string;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
}

/**
 * Makes the request that an agent asks for, to one of the gateways that it may buy from.
 *
 * @throws Error for anything else; the message is for the agent
 */
export function createAskedRequest({ url, method, headers, body }: AskedRequest, gateways: readonly string[]): Request {
  if (!URL.canParse(url)) throw new Error(`${JSON.stringify(url)} is not a URL`);
  const { origin } = new URL(url);
  // A model follows texts that it reads: a text must not be able to send it to any address.
  if (!gateways.some((gateway) => new URL(gateway).origin === origin)) {
    throw new Error(`${origin} is none of the gateways that may be bought from: ${gateways.join(', ')}`);
  }
  const verb = method?.toUpperCase() ?? (body === undefined ? 'GET' : 'POST');
  if (!METHODS.some((known) => known === verb))
    throw new Error(`${verb} is no method; use one of ${METHODS.join(', ')}`);
  return new Request(url, {
    method: verb,
    headers: { ...headers },
    ...(body === undefined ? {} : { body }),
    // A payment is for the requested resource, not for the target of a redirect.
    redirect: 'manual',
  });
}
