import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The environment's proxies and the hosts they are for, as curl and others read them. */
export interface ProxyEnvironment {
  /** Proxy of `http` URLs, and of `https` URLs; with its credentials. */
  readonly http: string | undefined;
  readonly https: string | undefined;
  /** Hosts that are asked directly. */
  readonly except: readonly Exception[];
}

/** One entry of `NO_PROXY`. A `port` of `undefined` is any. */
type Exception =
  | { readonly kind: 'all' }
  /** A host and the hosts below it. */
  | { readonly kind: 'host'; readonly host: string; readonly port: string | undefined }
  | { readonly kind: 'block'; readonly block: readonly [ipaddr.IPv4 | ipaddr.IPv6, number] };

/** The environment's proxies, and what is wrong with them, in words that hold no URL: it may hold a password. */
export interface ReadProxies {
  readonly proxies: ProxyEnvironment;
  readonly wrong: readonly string[];
}

/** What a variable should hold, as a noun phrase. */
export const RIGHT_PROXY = 'a URL such as http://proxy.example.com:3128';

/** Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`; the lower-case spelling of each goes first. */
export function readProxyEnvironment(env: Readonly<Record<string, string | undefined>>): ReadProxies {
  const wrong: string[] = [];
  const read = (name: string): string | undefined => {
    const given = variableOf(env, name);
    if (given === undefined) return undefined;
    const url = URL.parse(/^[a-z0-9+.-]+:\/\//i.test(given) ? given : `http://${given}`);
    if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return url.href;
    wrong.push(`${name} names no http or https proxy`);
    return undefined;
  };
  const except = (variableOf(env, 'NO_PROXY') ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  return {
    proxies: { http: read('HTTP_PROXY'), https: read('HTTPS_PROXY'), except: except.map(readException) },
    wrong,
  };
}

/** The proxy through which a URL is asked; `undefined` for none. This machine is never asked through one. */
export function proxyOf(target: string, { http, https, except }: ProxyEnvironment): string | undefined {
  const url = new URL(target);
  const proxy = url.protocol === 'https:' ? https : http;
  if (proxy === undefined || isThisMachine(unbracketed(url.hostname))) return undefined;
  return except.some((entry) => fits(entry, url)) ? undefined : proxy;
}

function variableOf(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const given = (env[name.toLowerCase()] ?? env[name])?.trim();
  return given === '' ? undefined : given;
}

/** `*`, `10.0.0.0/8`, `example.com`, `.example.com`, `*.example.com`, each host with or without `:port`. */
function readException(entry: string): Exception {
  if (entry === '*') return { kind: 'all' };
  if (ipaddr.isValidCIDR(entry)) return { kind: 'block', block: ipaddr.parseCIDR(entry) };
  const [, host = entry, port] = isIP(entry) === 6 ? [] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
  return { kind: 'host', host: unbracketed(host.replace(/^\*?\./, '').toLowerCase()), port };
}

function fits(entry: Exception, url: URL): boolean {
  const host = unbracketed(url.hostname);
  switch (entry.kind) {
    case 'all':
      return true;
    case 'block': {
      if (isIP(host) === 0) return false;
      const [network, prefix] = entry.block;
      const address = ipaddr.process(host);
      return address.kind() === network.kind() && address.match(network, prefix);
    }
    case 'host': {
      const port = url.port || (url.protocol === 'https:' ? '443' : '80');
      if (entry.port !== undefined && entry.port !== port) return false;
      return host === entry.host || host.endsWith(`.${entry.host}`);
    }
  }
}

function isThisMachine(host: string): boolean {
  if (isIP(host) === 0) return host === 'localhost' || host.endsWith('.localhost');
  const range = ipaddr.process(host).range();
  return range === 'loopback' || range === 'unspecified';
}

function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
