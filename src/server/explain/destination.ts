import { describeUpstream } from '../../config/describe.ts';
import { formatAmount } from '../../domain/amount.ts';
import type { PaidPrice } from '../../domain/route-price.ts';
import { serverName, serverText, type UpstreamServer } from '../../domain/upstream.ts';
import type { AcceptedHead } from '../../pipeline/exchange.ts';
import { forwardedHeaders, forwardedPath, type Destination as Target } from '../../pipeline/forward.ts';
import type { PaidFacts } from '../../proxy/headers/to-upstream.ts';
import type { HeaderField } from './imagined-request.ts';

/** Where a request would go, and how its headers would change. */
export interface Destination {
  /** At the first server of the upstream. */
  readonly url: string;
  /** At its other servers, which are equivalent. */
  readonly alternatives: readonly string[];
  /** How long the upstream may take until response headers. */
  readonly timeoutMs: number;
  /** `Name: value`; values that only a real request has are in parentheses. */
  readonly headersAdded: readonly string[];
  /** Names of the client's headers that the upstream does not get, or gets with another value. */
  readonly headersRemoved: readonly string[];
}

/**
 * Describes where an accepted request goes.
 *
 * @param priced the payment; `undefined` for a free request
 */
export function describeDestination(request: AcceptedHead, target: Target, priced: PaidPrice | undefined): Destination {
  const { upstream, timeoutMs } = target;
  const paid = priced === undefined ? undefined : imaginedPayment(priced);
  const trace = request.runtime.plan.tracing && { traceparent: '(of this request)', tracestate: undefined };
  const out = pairs(forwardedHeaders(request, upstream, paid, trace));
  const sent = pairs(request.head.rawHeaders);
  const fromConfig = new Set(upstream.headers.map(([name]) => name.toLowerCase()));
  const added = out.filter((field) => !includes(sent, field));
  const path = forwardedPath(request, target);
  const [url = describeUpstream(upstream), ...alternatives] = upstream.servers.map((server) => urlAt(server, path));
  return {
    url,
    alternatives,
    timeoutMs,
    headersAdded: added.map(([name, value]) => `${name}: ${shown(name.toLowerCase(), value, fromConfig)}`),
    headersRemoved: sent.filter((field) => !includes(out, field)).map(([name]) => name),
  };
}

/** For a unix socket as nginx writes it, with a colon between the two paths. */
function urlAt(server: UpstreamServer, path: string): string {
  return server.socketPath === undefined
    ? serverText(server) + path
    : `${serverName(server)}:${server.basePath}${path}`;
}

function includes(fields: readonly HeaderField[], [name, value]: HeaderField): boolean {
  return fields.some((field) => field[0] === name && field[1] === value);
}

function imaginedPayment({ id, offers }: PaidPrice): PaidFacts {
  const offer = offers.length === 1 ? offers[0] : undefined;
  return {
    payer: '(the payer)',
    route: id,
    money: {
      network: offer?.network ?? '(of the offer paid)',
      asset: offer?.asset.address ?? '(of the offer paid)',
      amount: offer === undefined ? '(of the offer paid)' : formatAmount(offer.amount),
    },
  };
}

function shown(name: string, value: string, fromConfig: ReadonlySet<string>): string {
  // Usually an API key.
  if (fromConfig.has(name)) return '(from the configuration)';
  return name === 'x-forwarded-for' ? value.replace(/unknown$/, "(the client's address)") : value;
}

function pairs(flat: readonly string[]): readonly HeaderField[] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ''] as const] : []));
}
