import { type Defence, defencesOf } from './defence.ts';

const TARGET = 'domain/request-target.ts';
const ACCEPT = 'pipeline/accept.ts';
const HEADER_NAME = 'proxy/headers/header-name.ts';
const NAMES = 'proxy/headers/names.ts';
const FLAT_LIST = 'proxy/headers/flat-list.ts';
const TO_UPSTREAM = 'proxy/headers/to-upstream.ts';
const TO_CLIENT = 'proxy/headers/to-client.ts';
const LISTENER = 'server/public-listener.ts';
const ROOM = 'proxy/call-room.ts';

/** What stands between hostile requests and the API. */
export const REQUEST_DEFENCES: readonly Defence[] = [
  ...defencesOf(
    'path-confusion',
    ['refuses', TARGET, "path.includes('//')", 'false'],
    ['refuses', TARGET, '/\\/\\.{1,2}(?:\\/|$)/.test(path)', 'false'],
    ['refuses', TARGET, "[0x2f, 'slash'],", ''],
    ['refuses', TARGET, "[0x3b, 'semicolon'],", ''],
    ['refuses', TARGET, '/%25[0-9A-Fa-f]{2}/.test(path)', 'false'],
    [
      'refuses',
      TARGET,
      'if (text === undefined) return',
      'if (text === undefined) return { ok: true, path }; else if (false) return',
    ],
    ['refuses', TARGET, "!plain.test(decoded.path.replace(/%[0-9A-F]{2}/gi, ''))", 'false'],
    ['refuses', TARGET, '/^\\?[!"$-~]*$/', '/^/'],
    ['refuses', ACCEPT, 'target.authority !== host', 'false'],
    ['asks for the price', TARGET, "segment.includes('%') ? decodeURIComponent(segment) : segment", 'segment'],
    ['is not got around', ACCEPT, 'values === 1', 'values > 0'],
    ['is recognised', 'domain/host.ts', ".replace(/\\.$/, '')", ''],
  ),
  ...defencesOf(
    'encoded-paths',
    ['never has the API read another subtree', TARGET, '&& leadsElsewhere(path)', '&& false'],
    ['never has the API read another subtree', 'pipeline/match.ts', '!isBelowFront(', 'false && !isBelowFront('],
    ['is refused with', 'config/compile-encoded.ts', '&& liesBelow(each, route)', '&& false'],
  ),
  ...defencesOf(
    'proxy-protocol',
    ['malformed request', 'server/edge/edge.ts', ' || !trustedPeers.has(socket.remoteAddress)', ''],
    ['not served', 'server/edge/proxy-header.ts', 'isIP(source) !== version || ', ''],
    ['no client that it names', 'server/edge/edge.ts', 'if (source !== undefined) fixPeer(socket, source);', ''],
  ),
  ...defencesOf(
    'http2-downgrade',
    ['is refused', 'server/edge/http2-request.ts', 'host === undefined || hosts.size > 1', 'host === undefined'],
    ['is refused', 'server/edge/http2-request.ts', "scheme?.toLowerCase() !== 'https'", 'false'],
  ),
  ...defencesOf('forwarded-origin', [
    'is not believed',
    ACCEPT,
    'runtime.trustedPeers.has(head.peer) ? forwardedOrigin(head) : undefined',
    'forwardedOrigin(head)',
  ]),
  ...defencesOf(
    'smuggling',
    ['message with two ends', ACCEPT, "coding !== undefined && coding.toLowerCase() !== 'chunked'", 'false'],
    ['message with two ends|never arrives whole', LISTENER, 'insecureHTTPParser: false', 'insecureHTTPParser: true'],
    ['stays a body', NAMES, "  'transfer-encoding',\n", ''],
    ['100-continue', ACCEPT, "throw new GatewayError('expectation_failed');", ''],
    ['100-continue', 'domain/request-head.ts', 'return httpVersionMinor > 0 && ', 'return '],
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
    [
      'charges HEAD',
      'domain/route-table.ts',
      "(method === 'HEAD' ? set.byMethod?.get('GET') : undefined)",
      'undefined',
    ],
    [
      'costs money with OPTIONS',
      'pipeline/cross-origin.ts',
      "method === 'OPTIONS' && origin !== undefined && asked !== undefined",
      "method === 'OPTIONS'",
    ],
    ['is not served to', ACCEPT, 'httpVersionMajor !== 1', 'false'],
    ['upgrade', 'pipeline/serve.ts', 'if (isFreeToAll(matched))', 'if (isFreeToAll(matched) || transport !== HTTP)'],
    ['upgrade', LISTENER, 'shouldUpgradeCallback: isWebSocketUpgrade,', ''],
  ),
  ...defencesOf(
    'header-spoofing',
    [
      'cannot send',
      HEADER_NAME,
      "forwarded: isOwn ? 'never' : forwardedBy(lower, key),",
      'forwarded: forwardedBy(lower, key),',
    ],
    ['cannot send', NAMES, "PLAIN_NAME.test(lower) ? lower : lower.replaceAll(NOT_ALPHANUMERIC, '-')", 'lower'],
    [
      'is not believed',
      TO_UPSTREAM,
      "forwarded === 'from trusted peers' && context.peerTrusted",
      "forwarded !== 'never'",
    ],
    ['naming it in Connection', FLAT_LIST, ' || option === FRAMING) continue', ') continue'],
    ['tells the API who paid', HEADER_NAME, ' || payment.whole.has(key)', ''],
    ['cannot replace the credentials', TO_UPSTREAM, 'if (canonical(name) === key) return false', ''],
    ['cannot send', NAMES, '  ...OVERRIDES,\n', ''],
    ['cannot send', NAMES, "  'proxy',\n", ''],
    ['is not believed', NAMES, "  'x-request-id',\n", ''],
  ),
  ...defencesOf(
    'response-splitting',
    ['preflight', 'pipeline/cross-origin.ts', ' && HEADER_LIST.test(asked)', ''],
    ['cannot pass for', TO_CLIENT, 'if (context.paid) keepPrivate(', 'if (false) keepPrivate('],
    [
      'cannot pass for',
      TO_CLIENT,
      'const framing = framingOf(raw, context);',
      'const framing = framingOf(raw, context);\n  if (raw.length > 0) return [...raw];',
    ],
    [
      'says nothing of where',
      'pipeline/answer.ts',
      'const problem = { code, ...(detail === undefined ? {} : { detail }) };',
      'const problem = { code, detail: String(error.cause) };',
    ],
    ['breaks no document', 'pipeline/match.ts', 'url.length <= MAX_RESOURCE_URL', 'true'],
  ),
  ...defencesOf(
    'upstream-exhaustion',
    [
      'one client',
      ROOM,
      "if (ofClient >= (mostOfClient ?? Math.min(MOST_OF_CLIENT, Math.ceil(capacity / 2)))) return 'client';",
      '',
    ],
    [
      'paid calls are served',
      ROOM,
      "if (kind === 'free' && free >= capacity - this.#terms.paidConnections * servers) return 'free';",
      '',
    ],
    ['few wallets', ROOM, 'if (promised * 2 < room || room < LEAST_SHARED) return true;', 'if (left > 0) return true;'],
    ['uses up no request of a pass', 'pipeline/serve-pass.ts', 'if (isUnusedAfter(fault)) admission.giveBack();', ''],
    [
      'no delivery',
      'pipeline/serve-paid.ts',
      "if (kept === undefined) return await withPlace(request, 'paid', (placed) => callAgain(placed, collectable, services));",
      'if (kept === undefined) return await callAgain(request, collectable, services);',
    ],
  ),
  ...defencesOf(
    'stuck-connections',
    ['after CONNECT', LISTENER, "socket.on('error', () => socket.destroy());", ''],
    ['clings', 'proxy/linger.ts', 'setTimeout(() => socket.destroy(), LINGER_MS)', 'setTimeout(() => {}, LINGER_MS)'],
    ['uploads', 'proxy/head-deadline.ts', 'if (this.#stalledMs < CLIENT_STALL_MS)', 'if (true)'],
  ),
  ...defencesOf(
    'unread-uploads',
    ['reads only at the end', 'proxy/linger.ts', "if (!('destroySoon' in socket)) return;", 'if (socket) return;'],
    ['nothing carried out', LISTENER, 'if (req.socket.writableEnded) req.resume();', 'if (false) req.resume();'],
    ['bound of bytes', 'proxy/linger.ts', 'bytes > READ_ON_BYTES', 'false'],
    ['is too large, gets', LISTENER, 'socket.writableEnded && !socket.destroyed', 'false'],
  ),
  ...defencesOf(
    'connection-flood',
    ['refused with 503', 'server/connection-guard.ts', 'ofAddress <= connectionsPerAddress', 'true'],
    ['trusted proxies', 'server/connection-guard.ts', 'trustedPeers.has(socket.remoteAddress)', 'false'],
  ),
  ...defencesOf(
    'pipelining',
    ['pipelined requests', LISTENER, 'res.socket === null', 'false'],
    ['cut the connection', 'server/pipelined-requests.ts', 'waiting === MOST_WAITING', 'false'],
  ),
  ...defencesOf(
    'large-body',
    ['as soon as it is announced', ACCEPT, "Number(headers['content-length']) > bodyBytes", 'false'],
    ['over the limit', 'proxy/request-body.ts', "mostBytes !== undefined && this.#framing === 'chunked'", 'false'],
  ),
  ...defencesOf(
    'slow-matching',
    ['reads a path', TARGET, '/^(?:\\/[A-Za-z0-9', '/^(?:\\/?[A-Za-z0-9'],
    ['full length', 'pipeline/match.ts', 'url.length <= MAX_RESOURCE_URL', 'true'],
  ),
  ...defencesOf(
    'compressed-bodies',
    [
      'arrives at the client',
      NAMES,
      'new Set([...HOP_BY_HOP, ...EXTENSIONS]);',
      "new Set([...HOP_BY_HOP, ...EXTENSIONS, 'content-encoding']);",
    ],
    [
      'arrives at the API',
      'proxy/request-body.ts',
      'return new UploadBody(this.#req, ',
      "return new UploadBody(this.#req.pipe(process.getBuiltinModule('node:zlib').createUnzip()), ",
    ],
  ),
  ...defencesOf(
    'cache-poisoning',
    ['kept for others', TO_CLIENT, "const directives = ['private'];", 'const directives: string[] = [];'],
    ['kept for others', TO_CLIENT, 'key.endsWith(SHARED_CACHE_SUFFIX)', 'false'],
    [
      'kept for others',
      TO_CLIENT,
      "out.splice(at, 2, 'Cache-Control', directives.join(', '))",
      "out[at + 1] = directives.join(', ')",
    ],
    ['kept for others', TO_CLIENT, "mergeInto(out, 'Vary', passes === true ? fields.passVary : fields.paidVary);", ''],
    ['is a price', 'pipeline/answer.ts', ", 'Cache-Control', 'no-store'", ''],
    ['parser refuses', 'server/raw-answer.ts', "'Cache-Control: no-store',", ''],
  ),
  ...defencesOf('log-injection', [
    'facilitator',
    'facilitator/remote/refusal-reasons.ts',
    ".replace(/[^\\x20-\\x7e]+/g, ' ')",
    '',
  ]),
  ...defencesOf('payment-flood', [
    'cost no facilitator call',
    'pipeline/limits/payment-budget.ts',
    'bucket.tokens < 1',
    'false',
  ]),
  ...defencesOf('overcommitment', [
    'are bounded',
    'pipeline/limits/unpaid-calls.ts',
    'copies === 0 && calls.size >= most',
    'false',
  ]),
];
