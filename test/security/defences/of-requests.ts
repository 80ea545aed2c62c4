import { type Defence, defencesOf } from './defence.ts';

const TARGET = 'domain/request-target.ts';
const ACCEPT = 'pipeline/accept.ts';
const HEADERS = 'proxy/headers.ts';
const LISTENER = 'server/public-listener.ts';
const EXCHANGE = 'proxy/exchange.ts';

/** What stands between hostile requests and the API. */
export const REQUEST_DEFENCES: readonly Defence[] = [
  ...defencesOf(
    'path-confusion',
    ['refuses', TARGET, "path.includes('//')", 'false'],
    ['refuses', TARGET, '/\\/\\.{1,2}(?:\\/|$)/.test(path)', 'false'],
    ['refuses', TARGET, 'code === 0x2f || code === 0x5c', 'false'],
    ['refuses', TARGET, 'code === 0x3b', 'false'],
    ['refuses', TARGET, '/%25[0-9A-Fa-f]{2}/.test(path)', 'false'],
    [
      'refuses',
      TARGET,
      'if (text === undefined) return',
      'if (text === undefined) return { ok: true, path }; else if (false) return',
    ],
    ['refuses', TARGET, "!PLAIN_PATH.test(decoded.path.replace(/%[0-9A-F]{2}/g, ''))", 'false'],
    ['refuses', TARGET, '/^\\?[!"$-~]*$/', '/^/'],
    ['refuses', ACCEPT, 'target.authority !== host', 'false'],
    [
      'asks for the price',
      'domain/route-table.ts',
      "segment.includes('%') ? decodeURIComponent(segment) : segment",
      'segment',
    ],
    ['is not got around', ACCEPT, 'values === 1', 'values > 0'],
    ['is recognised', 'domain/host.ts', ".replace(/\\.$/, '')", ''],
  ),
  ...defencesOf(
    'smuggling',
    ['message with two ends', ACCEPT, "coding !== undefined && coding.toLowerCase() !== 'chunked'", 'false'],
    ['message with two ends|never arrives whole', LISTENER, 'insecureHTTPParser: false', 'insecureHTTPParser: true'],
    ['stays a body', HEADERS, "  'transfer-encoding',\n", ''],
    ['100-continue', ACCEPT, "throw new GatewayError('expectation_failed');", ''],
    ['100-continue', 'pipeline/request-body.ts', 'req.httpVersionMinor > 0 && ', ''],
    [
      'stays a body',
      'proxy/upload-body.ts',
      'return present ? message : undefined;',
      "return present && message.method !== 'DELETE' ? message : undefined;",
    ],
  ),
  ...defencesOf(
    'free-rides',
    ['never sees', ACCEPT, 'NEVER_FORWARDED.has(method)', 'false'],
    ['charges HEAD', 'domain/route-table.ts', "(method === 'HEAD' ? set.byMethod.get('GET') : undefined)", 'undefined'],
    [
      'costs money with OPTIONS',
      'pipeline/cross-origin.ts',
      "req.method === 'OPTIONS' && origin !== undefined && method !== undefined",
      "req.method === 'OPTIONS'",
    ],
    ['is not served to', ACCEPT, 'httpVersionMajor !== 1', 'false'],
    ['upgrade', 'pipeline/serve.ts', 'if (desk === undefined)', 'if (desk === undefined || transport !== HTTP)'],
    ['upgrade', LISTENER, 'shouldUpgradeCallback: isWebSocketUpgrade,', ''],
  ),
  ...defencesOf(
    'header-spoofing',
    ['cannot send', HEADERS, 'NEVER_FORWARDED.has(key) || key.startsWith(OWN_PREFIX)', 'NEVER_FORWARDED.has(key)'],
    ['cannot send', HEADERS, "PLAIN_NAME.test(lower) ? lower : lower.replaceAll(NOT_ALPHANUMERIC, '-')", 'lower'],
    ['is not believed', HEADERS, 'return context.peerTrusted && !isTwin', 'return true'],
    ['naming it in Connection', HEADERS, ' || option === FRAMING) continue', ') continue'],
    ['tells the API who paid', HEADERS, "  'payment-signature',\n", ''],
    ['cannot replace the credentials', HEADERS, 'if (canonical(name) === key) return false', ''],
    ['cannot send', HEADERS, '  ...OVERRIDES,\n', ''],
    ['cannot send', HEADERS, "  'proxy',\n", ''],
    ['is not believed', HEADERS, "  'x-request-id',\n", ''],
  ),
  ...defencesOf(
    'response-splitting',
    ['preflight', 'pipeline/cross-origin.ts', ' && HEADER_LIST.test(asked)', ''],
    ['cannot pass for', HEADERS, 'if (context.paid) keepPrivate(out);', ''],
    ['cannot pass for', HEADERS, 'if (NEVER_RELAYED.has(key) || key.startsWith(OWN_PREFIX) ||', 'if ('],
    [
      'says nothing of where',
      'pipeline/answer.ts',
      'const problem = { code, ...(detail === undefined ? {} : { detail }) };',
      'const problem = { code, detail: String(error.cause) };',
    ],
    ['breaks no document', 'pipeline/match.ts', 'url.length <= MAX_RESOURCE_URL', 'true'],
  ),
  ...defencesOf(
    'stuck-connections',
    ['after CONNECT', LISTENER, "socket.on('error', () => socket.destroy());", ''],
    [
      'clings',
      LISTENER,
      'const timer = setTimeout(() => socket.destroy(), LINGER_MS);',
      'const timer = setTimeout(() => {}, LINGER_MS);',
    ],
    ['uploads', EXCHANGE, 'if (this.#stalledMs < CLIENT_STALL_MS)', 'if (true)'],
    ['large answers', EXCHANGE, 'this.#takingTimer = setTimeout(onUntaken, CLIENT_STALL_MS, this);', ''],
  ),
];
