import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { ListenAddress } from '../domain/plan.ts';
import type { Parsed } from '../domain/price.ts';
import type { Decoder } from './decoder.ts';
import { text } from './text.ts';
import { isUnixPath, parseUnixPath, UNIX_PATTERN } from './unix-path.ts';
import { parseHttpUrl, URL_PATTERN } from './url.ts';

const LISTEN_RIGHT = 'an address and port such as 0.0.0.0:8402 or [::1]:8402, or unix:/run/turnpike.sock';
const LISTEN = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s[\]:]+)):(\d{1,5})$/;
const LISTEN_PATTERN = '(?:\\[[0-9A-Fa-f:.]+\\]|[^\\s\\[\\]:]+):\\d{1,5}';
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const HOST_NAME_PATTERN = '[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?';

/** An address to listen on: `0.0.0.0:8402`, `[::]:8402`, `localhost:8402`; port 0 lets the system choose. */
export const listenAddress: Decoder<ListenAddress> = text({
  expects: LISTEN_RIGHT,
  pattern: `${UNIX_PATTERN}|${LISTEN_PATTERN}`,
  bare: true,
  parse: parseListen,
});

/** The admin listener: an address, or `off` for none. */
export const adminAddress: Decoder<ListenAddress | 'off'> = text<ListenAddress | 'off'>({
  expects: 'an address and port such as 127.0.0.1:9402, unix:/run/turnpike-admin.sock, or off',
  pattern: `off|${UNIX_PATTERN}|${LISTEN_PATTERN}`,
  bare: true,
  parse: (given) => (given === 'off' ? { ok: true, value: 'off' } : parseListen(given)),
});

/** The origin that clients see, without a trailing slash. */
export const publicOrigin: Decoder<string> = text({
  expects: 'an origin such as https://api.example.com',
  pattern: URL_PATTERN,
  parse: (given) => {
    const url = parseHttpUrl(given, { path: false, right: 'an origin such as https://api.example.com' });
    return url.ok ? { ok: true, value: url.value.origin } : url;
  },
});

/** A block of proxies, in CIDR notation, or a single address; `unix` for every client of a unix socket. */
export const cidr: Decoder<string> = text({
  expects: 'a CIDR block such as 10.0.0.0/8',
  pattern: 'unix|[0-9A-Fa-f:.]+(?:/\\d{1,3})?',
  parse: parseCidr,
});

/** The name of every client of a unix socket in `trustedProxies`. */
export const UNIX_PEER = 'unix';

/** A lower-case host name without port. */
export const hostName: Decoder<string> = text({
  expects: 'a lower-case host name without port, such as api.example.com',
  pattern: HOST_NAME_PATTERN,
  parse: parseHostName,
});

function parseListen(given: string): Parsed<ListenAddress> {
  const right = LISTEN_RIGHT;
  if (isUnixPath(given)) {
    const path = parseUnixPath(given, right);
    return path.ok ? { ok: true, value: { kind: 'unix', path: path.value } } : path;
  }
  const [, lonePort] = /^:?(\d{1,5})$/.exec(given) ?? [];
  if (lonePort !== undefined) {
    const both = `127.0.0.1:${lonePort} for this machine alone, 0.0.0.0:${lonePort} for all`;
    return { ok: false, wrong: `${given} is a port without an address`, right: both };
  }
  const wrong = (why: string): Parsed<ListenAddress> => ({ ok: false, wrong: why, right });
  const [, ipv6, name, digits] = LISTEN.exec(given) ?? [];
  const host = ipv6 ?? name;
  if (host === undefined) return wrong(`${JSON.stringify(given)} is not an address with a port`);
  const port = Number(digits);
  if (port > 65_535) return wrong(`the port ${port} is above 65535`);
  if (ipv6 !== undefined && isIP(ipv6) !== 6) return wrong(`${ipv6} is not an IPv6 address`);
  if (name !== undefined && isIP(name) !== 4 && (/^[\d.]+$/.test(name) || !HOST_NAME.test(name))) {
    return wrong(`${JSON.stringify(name)} is not an address`);
  }
  return { ok: true, value: { kind: 'tcp', host, port } };
}

function parseCidr(given: string): Parsed<string> {
  if (given === UNIX_PEER) return { ok: true, value: given };
  const right = 'a CIDR block such as 10.0.0.0/8';
  const [address = '', prefix, ...more] = given.split('/');
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (family === 0 || more.length > 0 || (prefix !== undefined && !/^(0|[1-9]\d{0,2})$/.test(prefix))) {
    return { ok: false, wrong: `${JSON.stringify(given)} is not a CIDR block`, right };
  }
  if (prefix !== undefined && Number(prefix) > bits)
    return { ok: false, wrong: `the prefix /${prefix} is above /${bits}`, right };
  const block = `${address}/${prefix ?? bits}`;
  const first = (family === 4 ? ipaddr.IPv4 : ipaddr.IPv6).networkAddressFromCIDR(block).toString();
  if (first === ipaddr.parse(address).toString()) return { ok: true, value: block };
  // 10.0.0.1/8 is either a typo of /32 or of 10.0.0.0: believing all of 10/8 would be the wrong guess.
  return {
    ok: false,
    wrong: `${given} has bits set after its prefix`,
    right: `${first}/${prefix} or ${address}/${bits}`,
  };
}

function parseHostName(given: string): Parsed<string> {
  const right = 'a lower-case host name without port, such as api.example.com';
  const why = given.includes('*')
    ? 'a host cannot hold a wildcard'
    : /:\d*$/.test(given)
      ? 'a host has no port here'
      : `${JSON.stringify(given)} is not a lower-case host name`;
  return HOST_NAME.test(given) ? { ok: true, value: given } : { ok: false, wrong: why, right: asSent(given) ?? right };
}

/** A host as clients send it: in small letters, with `xn--…` for other letters than ASCII, without port or final dot. */
function asSent(given: string): string | undefined {
  const host = URL.parse(`http://${given}`)?.hostname.replace(/\.$/, '');
  return host !== undefined && HOST_NAME.test(host) ? host : undefined;
}
