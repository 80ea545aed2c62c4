import { nominatedBy } from '../../domain/connection-options.ts';
import { hostName } from '../../domain/host.ts';
import type { Route } from '../../domain/route.ts';
import type { AcceptedHead } from '../exchange.ts';

/**
 * Headers of a message that do not concern the request behind it: they frame and describe its body, choose the form of
 * its answer, or are sent by a browser on its own. A cookie is such: its owner may not know of the call.
 */
const OF_THE_MESSAGE =
  /^(?:accept(?:-.*)?|connection|content-.*|cookie|expect|host|http2-settings|if-.*|keep-alive|last-event-id|mcp-.*|origin|prefer|priority|proxy-.*|range|referer|sec-.*|te|trailer|transfer-encoding|upgrade.*)$/i;

/** Headers by which a proxy in front names the host of a request. */
const NAMES_HOST = /^(?:forwarded|x-forwarded-(?:host|port|prefix))$/i;

/**
 * The head of the request behind a call: what the client says of itself, such as keys, passes, payments, its name and
 * its origin.
 */
export function toolFields(
  { head: { rawHeaders }, host }: Pick<AcceptedHead, 'head' | 'host'>,
  route: Route,
): readonly (readonly [name: string, value: string])[] {
  const nominated = nominatedBy(rawHeaders);
  const fields: (readonly [string, string])[] = [
    ['Host', route.host ?? host],
    ['Accept', '*/*'],
    // Results hold text.
    ['Accept-Encoding', 'identity'],
    // The receipt of a stream stands in a trailer.
    ['TE', 'trailers'],
  ];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (OF_THE_MESSAGE.test(name) || nominated?.has(name.toLowerCase()) === true) continue;
    if (route.host !== undefined && NAMES_HOST.test(name)) continue;
    fields.push([name, rawHeaders[at + 1] ?? '']);
  }
  return fields;
}

/**
 * Whether a request comes from a page of a foreign origin. Without `publicUrl` the only name is the one that the client
 * states, which a page under a rebound name states as well: then only addresses and `localhost` are trusted.
 */
export function isForeignOrigin({
  head: { headers },
  host,
  publicOrigin,
  runtime,
}: Pick<AcceptedHead, 'head' | 'host' | 'publicOrigin' | 'runtime'>): boolean {
  const { origin } = headers;
  if (origin === undefined) return false;
  if (!URL.canParse(origin) || new URL(origin).origin !== new URL(publicOrigin).origin) return true;
  return runtime.plan.publicUrl === undefined && !isUnrebindable(hostName(host));
}

function isUnrebindable(name: string): boolean {
  return name === 'localhost' || name.startsWith('[') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name);
}
