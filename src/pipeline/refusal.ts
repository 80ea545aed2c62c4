import type { ErrorCode } from '../domain/gateway-error.ts';
import type { Offer } from '../domain/offer.ts';
import type { SettleResponse } from '../domain/x402.ts';
import { ACCESS_PASS } from '../protocol/access-pass.ts';
import type { Protocol } from '../protocol/protocol.ts';
import type { IssuedPass } from './issue-pass.ts';

/** A settlement to tell the buyer about, in the protocol that the payment came in. */
export interface SettlementNotice {
  readonly protocol: Protocol;
  readonly offer: Offer;
  readonly response: SettleResponse;
  /** The pass that it bought. */
  readonly pass?: IssuedPass | undefined;
}

/** A decision not to serve a request; a value, because nothing broke. */
export interface Refusal {
  readonly kind: 'refusal';
  /** Also says whether the price is stated again: `offersAgain` in `ERROR_CODES`. */
  readonly code: ErrorCode;
  /** Text of `error` in the 402, a specification's reason string where there is one. */
  readonly reason: string;
  /** For people, in the problem document. */
  readonly detail?: string;
  readonly settlement?: SettlementNotice;
  readonly retryAfterSeconds?: number;
}

/** The headers that tell a buyer of a settlement, and of the pass that came with it. */
export function noticeHeaders({ protocol, response, offer, pass }: SettlementNotice): (readonly [string, string])[] {
  if (pass === undefined) return [[protocol.responseHeader, protocol.encodeSettlement(response, offer)]];
  const extensions = { ...response.extensions, [ACCESS_PASS]: pass.extension };
  return [[protocol.responseHeader, protocol.encodeSettlement({ ...response, extensions }, offer)], ...pass.headers];
}
