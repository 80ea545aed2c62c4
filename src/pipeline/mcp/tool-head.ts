import { hostName } from '../../domain/host.ts';
import type { Route } from '../../domain/route.ts';
import { nominatedBy } from '../../proxy/headers/flat-list.ts';
import type { AcceptedHead } from '../exchange.ts';

/**
 * Fields of a message's head that say nothing of the request that it stands for: what frames and describes its body, which
 * answers are wanted, and what a browser sends by itself. A cookie would be somebody's who does not know of it.
 */
const OF_THE_MESSAGE =
  /^(?:accept(?:-.*)?|connection|content-.*|cookie|expect|host|http2-settings|if-.*|keep-alive|last-event-id|mcp-.*|origin|prefer|priority|proxy-.*|range|referer|sec-.*|te|trailer|transfer-encoding|upgrade.*)$/i;

/** Which name a request of another host goes under, where a proxy in front names it. */
const NAMES_HOST = /^(?:forwarded|x-forwarded-(?:host|port|prefix))$/i;

/**
 * The head of the request that a call stands for: what its client says of itself, such as keys, passes, payments, its name
 * and where it came from.
 */
export function toolFields(
  { head: { rawHeaders }, host }: Pick<AcceptedHead, 'head' | 'host'>,
  route: Route,
): readonly (readonly [name: string, value: string])[] {
  const nominated = nominatedBy(rawHeaders);
  const fields: (readonly [string, string])[] = [
    ['Host', route.host ?? host],
    ['Accept', '*/*'],
    // Results hold texts.
    ['Accept-Encoding', 'identity'],
    // Where the receipt of a stream stands.
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
 * Whether a request comes from a page of another origin than the gateway's. Without `publicUrl` the name is what the client
 * says, which a page of a name that leads here says too: then only addresses and `localhost` are believed.
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
