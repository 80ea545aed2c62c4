/** Price of every priced route, in atomic units. */
export const PRICE = '10000';

/** Host whose every path is priced. */
export const PRICED_HOST = 'priced.test';

/** Connections to each upstream: the gateway may keep this many open when all clients have left. */
export const UPSTREAM_CONNECTIONS = 64;

/** The places that the configuration names. */
export interface Surroundings {
  readonly apiUrl: string;
  readonly facilitatorUrl: string;
  /** `memory`, or `sqlite:` and a file. */
  readonly store: string;
  /** Most connections to each upstream; the gateway's own default where none is given. */
  readonly upstreamConnections?: number;
}

/** The configuration that is fuzzed: every settle mode, free and priced side by side, and everything that changes paths. */
export function priceTable({ apiUrl, facilitatorUrl, store, upstreamConnections }: Surroundings): string {
  const connections = upstreamConnections === undefined ? '' : `, connections: ${upstreamConnections}`;
  const api = (base: string): string => `{ url: "${apiUrl}${base}", timeout: 20s${connections} }`;
  return `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
upstream: ${api('')}
payTo: "0x209693Bc6afc0C5328bA36FaF03C514EF312287C"
accepts: [base-sepolia]
facilitator: { url: "${facilitatorUrl}", rpc: off }
store: ${store}
drainTimeout: 1s
limits: { connectionsPerAddress: 5000, upstreamCallsPerClient: 5000, refusalsPerMinute: 100000 }
routes:
  - { path: /after/:id, price: $0.01 }
  - { path: /before/*, price: $0.01, settle: before }
  - { path: /deferred/:id, price: $0.01, settle: deferred }
  - { path: /posted, methods: [POST], price: $0.01, settle: before }
  - { path: /rewritten/*, price: $0.01, rewrite: { from: /rewritten, to: /inner } }
  - { path: /based/*, price: $0.01, upstream: ${api('/base')} }
  - { path: '/mixed/@me', price: $0.01 }
  - { path: /mixed/*, price: free }
  - { path: /socket/paid, price: $0.01, settle: before }
  - { path: /*, host: ${PRICED_HOST}, price: $0.01 }
  - { path: /inner/*, price: $0.01 }
  - { path: /base/*, price: $0.01 }
  - { path: /*, price: free }
`;
}

/** Paths as the API sees them that only paid requests may ask for. */
const PRICED = [
  /^\/after\/[^/]+$/,
  /^\/before(\/|$)/,
  /^\/deferred\/[^/]+$/,
  /^\/inner(\/|$)/,
  /^\/base(\/|$)/,
  /^\/mixed\/@me$/,
  /^\/socket\/paid$/,
];

/** Paths whose money has to have moved before the API is asked. */
const PAID_AHEAD = [/^\/before(\/|$)/, /^\/posted$/, /^\/socket\/paid$/];

/** All ways in which some server could read a path as the API got it, and so serve priced content. */
function readingsOf(path: string): string[] {
  const readings = [path];
  for (let round = 0; round < 3; round += 1) {
    const last = readings.at(-1) ?? path;
    const decoded = last.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) =>
      Buffer.from(run.replaceAll('%', ''), 'hex').toString(),
    );
    readings.push(decoded);
  }
  return readings.flatMap((reading) => {
    const plain = reading
      .replaceAll('\\', '/')
      .replaceAll(/;[^/]*/g, '')
      .replaceAll(/\p{Cc}/gu, '');
    return [reading, plain, resolved(plain)];
  });
}

/** Without empty segments, `.` and `..`. */
function resolved(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop();
    else if (segment !== '.' && segment !== '') segments.push(segment);
  }
  return `/${segments.join('/')}${/[^/]\/$/.test(path) ? '/' : ''}`;
}

/** Whether a request that the API got costs money: by its path, however it is read, or by the host it was made for. */
export function isPriced(method: string, path: string, forwardedHost: string): boolean {
  if (isPricedHost(forwardedHost)) return true;
  const readings = readingsOf(path);
  if (method === 'POST' && readings.includes('/posted')) return true;
  return readings.some((reading) => PRICED.some((pattern) => pattern.test(reading)));
}

/** Whether the money has to have moved before the API got this request. */
export function isPaidAhead(method: string, path: string, forwardedHost: string): boolean {
  if (isPricedHost(forwardedHost) || (path === '/posted' && method !== 'POST')) return false;
  return PAID_AHEAD.some((pattern) => pattern.test(path));
}

function isPricedHost(forwardedHost: string): boolean {
  return forwardedHost.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '') === PRICED_HOST;
}
