import type { ListenAddress } from '../domain/plan.ts';
import { soundValue } from './decoder.ts';
import type { GatewayFields } from './gateway-keys.ts';
import type { Source } from './source.ts';

/** The public and the admin listener need an address each. */
export function checkListeners(gateway: GatewayFields, source: Source): void {
  const listen = soundValue(gateway.listen);
  const admin = soundValue(gateway.admin);
  if (listen === undefined || admin === undefined || admin === 'off') return;
  if (!isSameAddress(listen, admin.listen)) return;
  source.report(
    gateway.admin.place,
    'listen has the same address',
    'a port or a socket of its own, so that buyers do not reach the admin pages',
  );
}

function isSameAddress(one: ListenAddress, other: ListenAddress): boolean {
  if (one.kind === 'unix' || other.kind === 'unix')
    return one.kind === 'unix' && other.kind === 'unix' && one.path === other.path;
  if (one.port === 0 || one.port !== other.port) return false;
  return one.host === other.host || isWildcard(one.host) || isWildcard(other.host);
}

/** A PROXY header is only read from trusted proxies, of which there must be one. */
export function checkProxyProtocol({ proxyProtocol, trustedProxies }: GatewayFields, source: Source): void {
  if (soundValue(proxyProtocol) !== true || (soundValue(trustedProxies) ?? []).length > 0) return;
  source.report(
    proxyProtocol.place,
    'nobody is trusted to speak the PROXY protocol: there are no trustedProxies',
    'trustedProxies with the addresses of your balancers',
  );
}

/** Warns where trust in proxies is trust in every client. */
export function checkTrust(gateway: GatewayFields, source: Source): void {
  for (const block of soundValue(gateway.trustedProxies) ?? []) {
    if (block.kind === 'value' && block.value.endsWith('/0')) {
      source.warn(
        block.place,
        'every client can claim any address, host and protocol',
        'the addresses of your proxies',
      );
    }
  }
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
