import type { ErrorCode } from '../../../src/domain/gateway-error.ts';

/** What the pages say of one error code, beside what the code itself states. */
export interface ErrorText {
  /** When it comes, as far as the code's title does not say it. */
  readonly when?: string;
  /** What a buyer does about it. Absent where it is no more than sending the same request again. */
  readonly buyer?: string;
  /** What an operator looks at, when many of them come. Absent where it is nothing. */
  readonly operator?: string;
}

/** The one source of the tables in `docs/errors.md` and `docs/troubleshooting.md`. */
export const ERROR_TEXTS: Readonly<Record<ErrorCode, ErrorText>> = {
  request_target_invalid: {
    buyer: 'Send the path without `//`, `.`, `..`, `;`, backslashes and double encoding; `detail` names the fault.',
    operator:
      'A few are scanners. Many from honest clients: an ingress or a library merges slashes or decodes escapes. Switch that off.',
  },
  request_malformed: {
    buyer: 'Send HTTP/1.1.',
    operator: 'The addresses in the log. Does the proxy in front speak HTTP/2 or TLS to the plain port?',
  },
  request_head_too_large: {
    when: 'Over `limits.headerBytes`, or more than 256 headers.',
    buyer: 'Send fewer or shorter headers.',
    operator: 'Mostly cookies that grew. Raise the limit for honest clients.',
  },
  too_many_connections: {
    when: 'Over `limits.connectionsPerAddress`. Far above it, the connection ends without an answer.',
    buyer: 'Use open connections again.',
    operator: '**Urgent** if it is your load balancer: all its clients are refused. Name it in `trustedProxies`.',
  },
  request_body_too_large: {
    when: 'Over `limits.bodyBytes`, or `limits.pricedBodyBytes`. A payment that came with it stays good.',
    buyer: 'Send less.',
    operator: 'Does the limit fit the route?',
  },
  request_timeout: {
    when: 'A late head, or a body that stopped for 60 s or was slower than 500 bytes a second. Where the body decides the price: 30 s and 2000.',
    buyer: 'Send it again, faster.',
    operator: 'Slow clients or an attack: how many, from where?',
  },
  request_ambiguous: {
    when: 'A header or query key that decides the price is there twice, or in a spelling that APIs read differently.',
    buyer: 'Send each header and query key once, in plain spelling.',
    operator: '`detail` names it. Tell clients which one decides the price.',
  },
  body_ambiguous: {
    buyer: 'Send plain JSON in UTF-8 with each key once; `detail` says what was wrong.',
    operator: '`detail`, and [what is refused](prices.md#what-is-refused).',
  },
  request_not_priced: {
    when: 'Nothing was forwarded or charged.',
    buyer: 'Ask for something that has a price.',
    operator: '`turnpike explain` with the same method, URL and `-d`. Add an entry to `prices`, or one without `when`.',
  },
  host_invalid: { buyer: 'Send exactly one `Host`.', operator: 'If all requests get it: the proxy in front.' },
  payment_header_repeated: { buyer: 'Send one payment in one header, `PAYMENT-SIGNATURE` or `X-PAYMENT`.' },
  payment_header_too_large: {
    buyer: 'Leave optional extensions out.',
    operator: 'Raise `limits.paymentHeaderBytes` if smart wallets with long signatures pay you.',
  },
  payment_malformed: { buyer: "Send base64 of JSON of the header's version; `detail` names the fault." },
  credential_malformed: {
    buyer: 'MPP: send base64url, unpadded, of JSON with `challenge` and `payload`; `detail` names the fault.',
  },
  payment_method_unsupported: {
    buyer: 'MPP: pay by a challenge of the 402: method `evm`, intent `charge`, type `authorization`.',
  },
  method_not_allowed: { when: 'CONNECT, TRACE, TRACK.', buyer: 'Use another method.' },
  expectation_failed: { buyer: 'Send `Expect: 100-continue` or none.' },
  upgrade_unsupported: {
    buyer: 'Leave `Upgrade` out. WebSockets: no body, and no route whose answers say what they cost.',
    operator: 'Mostly h2c: stop the load balancer from trying HTTP/2 in clear.',
  },
  request_unmetered: {
    buyer: 'Send uncompressed JSON with each member once, and no `background: true`.',
    operator: '`detail`. Nothing was charged.',
  },
  route_not_found: {
    buyer: 'Check method, host and path.',
    operator:
      'After a change of prices **you may sell less than you did**: `turnpike explain METHOD URL`, `turnpike routes`. `unmatched: pass` lets all through.',
  },
  payment_required: {
    buyer: 'Pay one of the offers and send the request again.',
    operator:
      'Normal: it is the price tag. If nobody ever pays, can your buyers pay on that network, in that token? Try `turnpike pay URL`.',
  },
  payment_refused: {
    buyer: 'Read `error`, correct what it names, sign anew.',
    operator:
      "`error` in the log, with its [reason](errors.md#reasons). All buyers: the token's name or version in the price table, or this machine's clock. One buyer: an empty wallet.",
  },
  access_token_malformed: { buyer: 'Send the token as it came, in one header.' },
  access_token_invalid: {
    when: 'Altered, of another route or gateway, or signed with a retired key.',
    buyer: 'Send it to the route that it was bought for, or pay.',
    operator: 'Many after a deployment: `accessTokens.keys` differ between replicas, or a key went too early.',
  },
  access_token_expired: { buyer: 'Pay, or sign in where the pass was extended.' },
  access_token_revoked: {
    when: '`turnpike token revoke`, at most five seconds before.',
    buyer: 'Pay, or ask the operator.',
    operator: '`pass` in the log is the id. Who revoked it?',
  },
  access_quota_exhausted: {
    buyer: 'Pay: the pass is extended, and the token stays good.',
    operator: '`turnpike token inspect` shows what was bought and served.',
  },
  sign_in_refused: {
    buyer: 'Read `error`; sign in with the nonce of this 402, or pay.',
    operator:
      '`reason` in the log. `invalid_siwx_domain_mismatch` from everybody: set `publicUrl` to what clients see.',
  },
  permit2_allowance_required: { buyer: 'Approve Permit2 for the token once, then send the same payment.' },
  settlement_failed: {
    when: 'The money did not move, and the answer is withheld.',
    buyer: 'Read `error`. Paying anew is safe.',
    operator:
      "All at once: **no revenue**. `reason` in `turnpike ledger list --state failed`; the settler's balance; `maxFeePerGas`; the facilitator's status.",
  },
  payment_in_progress: {
    buyer: 'Wait, then send the same payment. **Never sign a new one.**',
    operator: 'If it lasts, a settlement hangs: `turnpike ledger list --state settling`.',
  },
  payment_already_used: {
    buyer: 'Sign a new payment for a new request. The receipt of the old one is in `PAYMENT-RESPONSE`.',
  },
  payment_bound_to_another_request: {
    buyer: 'Send it with the method, host, path, query and body that it was first used for.',
  },
  payment_identifier_required: {
    buyer: "Sign again with the offer's `payment-identifier` extension filled in.",
    operator: '`paymentIdentifier: optional`, if your buyers cannot.',
  },
  payment_identifier_conflict: { buyer: 'Make a new identifier for a new purchase.' },
  delivery_expired: {
    when: '`retryWindow` is over, or five deliveries broke off.',
    buyer: 'Ask the operator, with the receipt.',
    operator:
      '**You owe an answer or a refund**: `turnpike ledger show ID`. Its request id in the log says why the answer did not arrive.',
  },
  delivery_unknown: {
    buyer: 'Ask the operator before you do it again: the call may have run.',
    operator:
      "**Find out whether the call ran**, by `X-Request-Id` in the API's log: [what to do](ledger.md#delivery_unknown).",
  },
  too_many_payments: {
    when: 'Over `limits.refusalsPerMinute`. This payment was not judged.',
    operator: '`reason` of the refusals before it. Is the load balancer in `trustedProxies`?',
  },
  too_many_unpaid_calls: {
    when: 'Over `limits.unpaidCallsPerPayer`, or `deferred` for a stream that is too long to be read first.',
    buyer: 'Wait for some answers, then send the same payment.',
    operator: 'Has the API become slow? `settle: before` needs no such bound.',
  },
  too_many_upstream_calls: {
    when: 'No [room](upstreams.md#room-for-calls); nothing was charged. `detail` names the bound.',
    buyer: 'Use fewer calls at once.',
    operator:
      'Few addresses with slow uploads or event streams are an attack. All clients as one: name the load balancer in `trustedProxies`. Else a slow API, or too few `connections`.',
  },
  too_many_bodies: {
    when: '`limits.bodiesInMemory` is full, in all or for this address. Nothing was charged.',
    operator: 'Does one address send many bodies slowly? Else raise the limit.',
  },
  settlement_unknown: {
    buyer: 'Wait, then send the same payment. **Never sign a new one.**',
    operator:
      'It ends when facilitator or chain answer: their status, the RPC node, `turnpike ledger list --state unknown`, [what to do](ledger.md#unknown).',
  },
  facilitator_unreachable: {
    operator:
      '**Nothing can be sold** on its networks. `/readyz`; `curl FACILITATOR/supported` from that machine: DNS, egress rules, certificates. Name a second facilitator.',
  },
  facilitator_timeout: {
    operator:
      'Sales are refused, not lost. Its status page; with a local one, the RPC node. Raise `timeout` only if it is always slow.',
  },
  facilitator_invalid_answer: { operator: '`cause` in the log: an error page, or another API. Check URL and API key.' },
  facilitator_overloaded: {
    operator: "Its quota; with a local one, the settler's balance and the chain's gas price against `maxFeePerGas`.",
  },
  store_unavailable: {
    operator:
      '**Nothing can be sold**; free routes work. `/readyz`, the database, `df` for SQLite. Never switch to `memory`: payments would be good twice.',
  },
  shutting_down: {
    buyer: 'Send it again at once: another replica takes it.',
    operator: 'If it lasts, the load balancer does not look at readiness.',
  },
  upstream_unreachable: { operator: 'Is the API up, and where `turnpike explain` says? The NetworkPolicy.' },
  upstream_invalid_answer: { operator: "A crash, or headers that are not HTTP: the API's log by `X-Request-Id`." },
  upstream_timeout: {
    operator: "The API's latency (`turnpike_upstream_duration_seconds`), or the route's `timeout`.",
  },
  internal_error: {
    buyer: 'Report the `requestId`.',
    operator: 'A bug. Report the log line of its `requestId`, and the version. The ledger has the payment.',
  },
};
