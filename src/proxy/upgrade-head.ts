import type { IncomingMessage } from 'node:http';
import type { ForwardUpgrade } from './forward-upgrade.ts';
import { publishLocations } from './headers/locations.ts';
import { relayResponseHeaders } from './headers/to-client.ts';
import type { TunnelLine } from './tunnel-line.ts';

/** Headers as `http.request` takes them. */
type HeaderObject = Record<string, string | string[] | undefined>;

/** The headers of the upgrade request: those that were let through, and the upgrade's own. */
export function upgradeHeaders(forward: ForwardUpgrade, { origin }: TunnelLine): HeaderObject {
  const headers = headerObject(forward.headers);
  headers['host'] ??= new URL(origin).host;
  headers['connection'] = 'Upgrade';
  headers['upgrade'] = 'websocket';
  return headers;
}

/**
 * The headers of an answer that the client may see.
 *
 * @param kept the names that the library frames with: they stay as they are
 * @throws GatewayError as `relayResponseHeaders`
 */
export function answerHeaders(answer: IncomingMessage, forward: ForwardUpgrade, kept: readonly string[]): HeaderObject {
  publishLocations(answer.rawHeaders, forward.place);
  const { fields, paid, passes, add } = forward;
  const status = answer.statusCode ?? 0;
  const context = {
    fields,
    method: 'GET',
    status,
    httpVersionMinor: 1,
    paid,
    add: add(status),
    ...(passes === undefined ? {} : { passes }),
  };
  const headers = headerObject(relayResponseHeaders(answer.rawHeaders, context));
  for (const name of kept) headers[name] = answer.headers[name];
  return headers;
}

/** Whether a 101 is one to WebSocket (RFC 6455 §4.1): Node has seen that its `Connection` names `Upgrade`. */
export function isWebSocketSwitch({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.trim().toLowerCase() === 'websocket';
}

/** A flat list as the object that `http.request` takes; lower-case names, repeated ones as arrays. */
function headerObject(list: readonly string[]): HeaderObject {
  const headers: HeaderObject = Object.create(null);
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = list[i]?.toLowerCase() ?? '';
    const value = list[i + 1] ?? '';
    const present = headers[name];
    if (present === undefined) headers[name] = value;
    else headers[name] = [present, value].flat();
  }
  return headers;
}
