import { isLoopback } from '../domain/loopback.ts';
import type { ListenAddress } from '../domain/plan.ts';
import { serverName, type Upstream, type UpstreamServer } from '../domain/upstream.ts';
import { type Field, soundValue } from './decoder.ts';
import { itemsOf } from './forms.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { Source } from './source.ts';

/**
 * No request is forwarded to the gateway itself. A name that clients use may lead back here, too; only the operator knows
 * what it means on this machine.
 */
export function checkUpstreams(gateway: GatewayFields, source: Source): void {
  const own = ownListeners(gateway);
  const publicUrl = soundValue(gateway.publicUrl);
  const check = (upstream: Field<Upstream>, isRewritten: boolean): void => {
    for (const server of soundValue(upstream)?.servers ?? []) {
      if (server.origin === publicUrl)
        source.warn(
          upstream.place,
          'it is the publicUrl: where that name leads back here, each request comes back until no connection is left',
          'a name of the API alone',
        );
      for (const { address, wrong, isAdmin } of own) {
        if (!leadsTo(server, address)) continue;
        const said = [upstream.place, `${serverName(server)} is ${wrong}`, 'the address of the API'] as const;
        if (isAdmin) source.report(...said);
        // A rewritten path may lead to another route.
        else if (!isRewritten) source.warn(...said);
      }
    }
  };
  check(gateway.upstream, false);
  for (const { upstream, rewrite } of itemsOf(gateway.routes)) check(upstream, rewrite.kind !== 'absent');
}

/** A listener of the gateway, and what is wrong with it as an upstream. */
interface OwnListener {
  readonly address: ListenAddress;
  readonly wrong: string;
  readonly isAdmin: boolean;
}

function ownListeners(gateway: GatewayFields): readonly OwnListener[] {
  const listen = soundValue(gateway.listen);
  const admin = soundValue(gateway.admin);
  return [
    ...(listen === undefined
      ? []
      : [{ address: listen, wrong: 'the gateway itself: each request would come back for ever', isAdmin: false }]),
    ...(admin === undefined || admin === 'off'
      ? []
      : [{ address: admin.listen, wrong: 'the admin listener: buyers would reach the admin pages', isAdmin: true }]),
  ];
}

function leadsTo({ origin, socketPath }: UpstreamServer, address: ListenAddress): boolean {
  if (address.kind === 'unix' || socketPath !== undefined)
    return address.kind === 'unix' && socketPath === address.path;
  const { protocol, hostname, port } = new URL(origin);
  if (Number(port || (protocol === 'https:' ? 443 : 80)) !== address.port) return false;
  return isReachedBy(address.host, hostname.replace(/^\[|\]$/g, ''));
}

/** Whether a host leads to an address for certain. @param host IPv6 without brackets */
function isReachedBy(address: string, host: string): boolean {
  switch (address) {
    case '0.0.0.0':
      return host === address || isLoopback(host);
    case '::':
      return host === address || host === '::1' || isReachedBy('0.0.0.0', host);
    case '127.0.0.1':
    case '::1':
      return host === address || host === 'localhost';
    default:
      return host === address;
  }
}
