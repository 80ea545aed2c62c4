import type { Parsed } from '../domain/price.ts';
import { serverName, type Upstream, type UpstreamServer } from '../domain/upstream.ts';
import { complete, type Decoder, map, mapped } from './decoder.ts';
import { duration } from './duration.ts';
import { byKind, list } from './forms.ts';
import { upstreamHeaders } from './header-keys.ts';
import { neverMatches } from './path-pattern.ts';
import { integer, text } from './text.ts';
import { isUnixPath, parseUnixPath, UNIX_PATTERN } from './unix-path.ts';
import { upstreamTls } from './upstream-tls-keys.ts';
import { parseHttpUrl, URL_PATTERN } from './url.ts';

const DEFAULT_TIMEOUT = '30s';
const DEFAULT_CONNECT_TIMEOUT = '10s';
const DEFAULT_CONNECTIONS = 512;
const URL_RIGHT = 'an http or https URL such as http://127.0.0.1:8080, or unix:/run/api.sock';
const URLS_RIGHT = `${URL_RIGHT}, or a list of those`;
const UPSTREAM_RIGHT = 'a URL such as http://127.0.0.1:8080, unix:/run/api.sock, a list of those, or a map with url';

/** What the short forms stand for; the long form's own defaults are the same. */
const PLAIN: Omit<Upstream, 'servers'> = {
  headers: [],
  connectTimeoutMs: 10_000,
  timeoutMs: 30_000,
  idleTimeoutMs: undefined,
  totalTimeoutMs: undefined,
  connections: DEFAULT_CONNECTIONS,
  paidConnections: shareOfPaid(DEFAULT_CONNECTIONS),
  tls: undefined,
};

/** What is sent to a unix socket needs an authority, and the socket has none. */
const UNIX_SERVER = { origin: 'http://localhost', basePath: '' };

const server: Decoder<UpstreamServer> = text({
  expects: URL_RIGHT,
  pattern: `${URL_PATTERN}|${UNIX_PATTERN}`,
  parse: parseServer,
});

const severalServers = list(server, 'a list such as [http://10.0.0.1:8080, http://10.0.0.2:8080]', 1);

/** Servers that answer alike; none is listed twice. */
const serverList: Decoder<readonly UpstreamServer[]> = {
  expects: severalServers.expects,
  jsonSchema: severalServers.jsonSchema,
  decode(at, source) {
    const fields = severalServers.decode(at, source);
    if (fields === undefined) return undefined;
    const found = new Map<string, UpstreamServer>();
    let sound = true;
    for (const field of fields) {
      if (field.kind !== 'value') sound = false;
      else if (found.has(serverName(field.value))) {
        source.report(field.place, `the server ${serverName(field.value)} is listed twice`, 'each server once');
        sound = false;
      } else found.set(serverName(field.value), field.value);
    }
    return sound ? [...found.values()] : undefined;
  },
};

const oneServer: Decoder<readonly UpstreamServer[]> = mapped(server, (one) => [one]);

/** The keys of the long form of `upstream`. */
export const upstreamKeys = map(UPSTREAM_RIGHT, {
  url: {
    decoder: byKind<readonly UpstreamServer[]>(URLS_RIGHT, { scalar: oneServer, list: serverList }),
    required: true,
    description:
      'Where the API is, or a list of servers that answer alike, see [upstreams.md](upstreams.md). A path in a URL is put before every forwarded path.',
  },
  headers: {
    decoder: upstreamHeaders,
    description: 'Set on every forwarded request, such as an API key or `Host`.',
  },
  connectTimeout: {
    decoder: duration,
    default: DEFAULT_CONNECT_TIMEOUT,
    description: 'How long to connect, TLS included.',
  },
  timeout: {
    decoder: duration,
    default: DEFAULT_TIMEOUT,
    description: 'How long until response headers.',
  },
  idleTimeout: {
    decoder: duration,
    description: 'Longest silence in the body of a response; then it is cut off. Default: none.',
  },
  totalTimeout: {
    decoder: duration,
    description: 'Longest time from a request to the end of its response, without settling. Default: none.',
  },
  connections: {
    decoder: integer('a whole number from 1 to 10000', 1, 10_000),
    default: DEFAULT_CONNECTIONS,
    description: 'Most connections to each server, see [room for calls](upstreams.md#room-for-calls).',
  },
  paidConnections: {
    decoder: integer('a whole number from 0 to 9999', 0, 9_999),
    description: 'How many of `connections` are kept for paid calls. Default: a quarter.',
  },
  tls: {
    decoder: upstreamTls,
    description: 'How an https upstream is verified, and who the gateway is to it.',
  },
});

const longForm: Decoder<Upstream> = complete(upstreamKeys, (keys, place, source) => {
  const { url, headers: set, connectTimeout, timeout, idleTimeout, totalTimeout, connections, tls } = keys;
  const paidConnections = keys.paidConnections ?? shareOfPaid(connections);
  if (paidConnections >= connections) {
    const at = { ...place, path: `${place.path}.paidConnections` };
    source.report(at, `of ${connections} connections none is left for free calls`, `at most ${connections - 1}`);
    return undefined;
  }
  if (tls !== undefined && url.some(({ origin }) => origin.startsWith('http:'))) {
    source.report({ ...place, path: `${place.path}.tls` }, 'an http upstream has no tls', 'an https URL');
    return undefined;
  }
  return {
    servers: url,
    headers: set ?? [],
    connectTimeoutMs: connectTimeout,
    timeoutMs: timeout,
    idleTimeoutMs: idleTimeout,
    totalTimeoutMs: totalTimeout,
    connections,
    paidConnections,
    tls,
  };
});

function shareOfPaid(connections: number): number {
  return Math.floor(connections / 4);
}

/** An API that traffic is forwarded to: its URL, those of its servers, or the long form. */
export const upstream: Decoder<Upstream> = byKind<Upstream>(UPSTREAM_RIGHT, {
  scalar: mapped(oneServer, withDefaults),
  list: mapped(serverList, withDefaults),
  map: longForm,
});

function withDefaults(servers: readonly UpstreamServer[]): Upstream {
  return { ...PLAIN, servers };
}

function parseServer(given: string): Parsed<UpstreamServer> {
  if (isUnixPath(given)) {
    const path = parseUnixPath(given, URL_RIGHT);
    return path.ok ? { ok: true, value: { ...UNIX_SERVER, socketPath: path.value } } : path;
  }
  const url = parseHttpUrl(given, { path: true, right: URL_RIGHT });
  if (!url.ok) return url;
  const basePath = url.value.pathname.replace(/\/$/, '');
  const never = neverMatches(basePath);
  if (never !== undefined)
    return { ok: false, wrong: `the path of the URL is not canonical: ${never.wrong}`, right: URL_RIGHT };
  return { ok: true, value: { origin: url.value.origin, basePath } };
}
