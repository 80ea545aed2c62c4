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
    buyer: 'Leave out `//`, `.`, `..`, `;`, backslashes and double encoding; see `detail`.',
    operator: 'Few: scanners. Many: an ingress or library that merges slashes or decodes escapes.',
  },
  request_malformed: {
    buyer: 'Send HTTP/1.1.',
    operator: 'Does the proxy in front speak HTTP/2 or TLS to the plain port?',
  },
  request_head_too_large: {
    when: 'Over `limits.headerBytes`, or more than 256 headers.',
    buyer: 'Send fewer or shorter headers.',
    operator: 'Mostly cookies that grew.',
  },
  too_many_connections: {
    when: 'Far above the limit the connection just ends.',
    buyer: 'Use open connections again.',
    operator: '**Urgent** if it is your load balancer: name it in `trustedProxies`.',
  },
  request_body_too_large: {
    when: 'Its payment stays good.',
    buyer: 'Send less.',
    operator: 'Do `limits.bodyBytes` and `limits.pricedBodyBytes` fit the route?',
  },
  request_timeout: {
    when: 'A late head, or a body that stopped for 60 s or came below 500 bytes a second (30 s and 2000 where it decides the price).',
    buyer: 'Send it again, faster.',
    operator: 'Slow clients or an attack?',
  },
  request_ambiguous: {
    when: 'A header or query key is there twice, or spelled so that APIs differ.',
    buyer: 'Send each once, in plain spelling.',
    operator: '`detail` names it.',
  },
  body_ambiguous: {
    buyer: 'Send plain UTF-8 JSON with each key once; see `detail`.',
    operator: '[What is refused](prices.md#what-is-refused).',
  },
  request_not_priced: {
    buyer: 'Ask for what has a price.',
    operator: '`turnpike explain` with method, URL and `-d`. Add an entry to `prices`.',
  },
  host_invalid: { buyer: 'Send exactly one `Host`.', operator: 'If all requests get it: the proxy in front.' },
  payment_header_repeated: { buyer: 'Send one payment in one header.' },
  payment_header_too_large: {
    buyer: 'Leave optional extensions out.',
    operator: 'Raise `limits.paymentHeaderBytes` if smart wallets with long signatures pay you.',
  },
  payment_malformed: { buyer: "Send base64 of JSON of the header's version; see `detail`." },
  credential_malformed: {
    buyer: 'MPP: send unpadded base64url of JSON with `challenge` and `payload`; see `detail`.',
  },
  payment_method_unsupported: {
    buyer: 'MPP: use method `evm`, intent `charge`, type `authorization`.',
  },
  method_not_allowed: { when: 'CONNECT, TRACE, TRACK.', buyer: 'Use another method.' },
  expectation_failed: { buyer: 'Send `Expect: 100-continue` or none.' },
  upgrade_unsupported: {
    buyer: 'No WebSocket where messages or answers say what they cost.',
  },
  request_unmetered: {
    buyer: 'Send plain, uncompressed JSON with each member once, no `background: true` and no `fields`; see `detail`.',
    operator: '`detail`. Nothing was charged.',
  },
  route_not_found: {
    buyer: 'Check method, host and path.',
    operator: 'After a change of prices **you may sell less than you did**: `turnpike explain`, `turnpike routes`.',
  },
  payment_required: {
    buyer: 'Pay one of the offers and send the request again.',
    operator:
      'Normal. If nobody ever pays: `turnpike pay URL`. Official clients refuse above $1, and unknown tokens, until told otherwise.',
  },
  payment_refused: {
    buyer: 'Read `error`, correct what it names, sign anew.',
    operator:
      "The [reason](errors.md#reasons) in the log. All buyers: the token's name or version in the price table, or this machine's clock. One: an empty wallet.",
  },
  access_token_malformed: { buyer: 'Send the token as it came, in one header.' },
  access_token_invalid: {
    when: 'Altered, of another route, or its key is retired.',
    buyer: 'Send it to its own route, or pay.',
    operator: 'Many: `accessTokens.keys` differ between replicas, or a key went too early.',
  },
  access_token_expired: { buyer: 'Pay, or sign in where the pass was extended.' },
  access_token_revoked: {
    buyer: 'Pay, or ask the operator.',
    operator: 'Who revoked it? `pass` in the log is its id.',
  },
  access_quota_exhausted: {
    buyer: 'Pay: the pass is extended, the token stays good.',
    operator: '`turnpike token inspect`.',
  },
  access_balance_too_low: {
    buyer: 'Pay: the balance is added to, the token stays good, and what is left is not lost.',
    operator: '`turnpike passes list` shows what is left. Much left each time: `upTo` is high for what calls cost.',
  },
  access_balance_in_use: {
    when: 'Other calls hold what is left. It may come back: nothing is to be bought.',
    buyer: 'Wait for calls that are under way, then send the same again.',
    operator: 'A lower `upTo` lets more calls of one balance run at once.',
  },
  sign_in_refused: {
    buyer: 'Read `error`; sign in with the nonce of this 402, or pay.',
    operator: '`invalid_siwx_domain_mismatch` from everybody: set `publicUrl` to what clients see.',
  },
  permit2_allowance_required: { buyer: 'Approve Permit2 for the token once, then send the same payment.' },
  settlement_failed: {
    when: 'No money moved.',
    buyer: 'Read `error`. Paying anew is safe.',
    operator:
      "All at once: **no revenue**. `reason` in `turnpike ledger list --state failed`; the settler's balance; `maxFeePerGas`; the facilitator's status.",
  },
  payment_in_progress: {
    buyer: '**Never sign a new one.**',
    operator: 'If it lasts, a settlement hangs: `turnpike ledger list --state settling`.',
  },
  payment_already_used: {
    buyer: 'Sign a new payment for a new request.',
  },
  payment_bound_to_another_request: {
    buyer: 'Send method, host, path, query and body as they first were.',
  },
  payment_identifier_required: {
    buyer: 'Sign again with the `payment-identifier` extension filled in.',
    operator: '`paymentIdentifier: optional`, if your buyers cannot.',
  },
  payment_identifier_conflict: { buyer: 'Make a new identifier for a new purchase.' },
  delivery_expired: {
    when: '`retryWindow` is over, or five deliveries broke off.',
    buyer: 'Ask the operator, with the receipt.',
    operator: '**You owe an answer or a refund**: `turnpike ledger show ID`; its request id in the log.',
  },
  delivery_unknown: {
    buyer: 'Ask the operator: the call may have run.',
    operator: '**Find out whether the call ran**: [what to do](ledger.md#delivery_unknown).',
  },
  too_many_payments: {
    when: 'This one was not judged.',
    operator: 'Is the load balancer in `trustedProxies`? `limits.refusalsPerMinute`.',
  },
  too_many_unpaid_calls: {
    buyer: 'Wait for some answers first.',
    operator: 'A slow API? `limits.unpaidCallsPerPayer`, or `deferred` for long metered streams.',
  },
  too_many_upstream_calls: {
    when: 'Nothing was charged; see `detail`.',
    buyer: 'Use fewer calls at once.',
    operator:
      '[Room for calls](upstreams.md#room-for-calls): an attack by few addresses, a load balancer that is not in `trustedProxies`, a slow API, or too few `connections`.',
  },
  too_many_bodies: {
    when: 'Nothing was charged.',
    operator: '`limits.bodiesInMemory`, if it is no attack.',
  },
  settlement_unknown: {
    buyer: '**Never sign a new one.**',
    operator: "The facilitator's status, the RPC node; [what to do](ledger.md#unknown).",
  },
  facilitator_unreachable: {
    operator:
      '**Nothing can be sold** on its networks. `curl FACILITATOR/supported` from there: DNS, egress rules, certificates. Name a second one.',
  },
  facilitator_timeout: {
    operator: 'Its status page, or the RPC node of a local one.',
  },
  facilitator_invalid_answer: { operator: '`cause` in the log; URL and API key.' },
  facilitator_overloaded: {
    operator: 'Its quota; of a local one, balance and `maxFeePerGas`.',
  },
  store_unavailable: {
    operator:
      '**Nothing can be sold**; free routes work. The log, the database, `df` for SQLite. Never switch to `memory`: payments would be good twice.',
  },
  shutting_down: {
    buyer: 'Send it again at once: another replica takes it.',
    operator: 'If it lasts, the load balancer does not look at readiness.',
  },
  upstream_unreachable: { operator: 'Is the API up, where `turnpike explain` says? The NetworkPolicy.' },
  upstream_invalid_answer: { operator: "A crash? The API's log, by `X-Request-Id`." },
  upstream_timeout: {
    operator: "The API's latency, or the route's `timeout`.",
  },
  internal_error: {
    buyer: 'Report the `requestId`.',
    operator: 'A bug: report the log line of its `requestId`, and the version.',
  },
};
