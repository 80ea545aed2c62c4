import { randomBytes } from 'node:crypto';
import { hostName } from '../../domain/host.ts';
import type { Offer } from '../../domain/offer.ts';
import { canonicalJson } from '../../domain/payment.ts';
import type { JsonObject } from '../../domain/x402.ts';
import type { Keccak256 } from '../../evm/keccak.ts';
import type { AskedResource, Challenge, ChallengeSubject } from '../challenge.ts';
import { UNNAMED } from '../payment-identifier.ts';
import type { Credential, MatchContext, Protocol, RequestFields, Submission } from '../protocol.ts';
import { accepts } from './accept-payment.ts';
import { paymentParts, withoutPayment } from './auth-list.ts';
import { encodeBase64url } from './base64url.ts';
import { type BoundFacts, ChallengeIds, DEFAULT_HEADER } from './challenge-id.ts';
import { type ChallengeParameters, challengeText } from './challenge-text.ts';
import { asksFor, chargeRequest, INTENT, METHOD } from './charge-request.ts';
import { type MppCredential, readCredential } from './credential.ts';
import { IDEMPOTENCY_KEY, readIdempotencyKey } from './idempotency-key.ts';
import { MPP_MCP_FORM, messageChallenge } from './mpp-mcp.ts';
import { problemType, REASONS } from './problem.ts';
import { carriesReceipt, encodeReceipt, mppReceipt } from './receipt.ts';

/** What the protocol is opened with. */
export interface MppParts {
  /** At least 32 bytes each, newest first: the first one signs challenges, all of them are known again. */
  readonly secrets: readonly [Buffer, ...Buffer[]];
  /** The field that credentials come in. */
  readonly header: string;
  readonly keccak256: Keccak256;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * MPP on HTTP: `WWW-Authenticate: Payment`, the method `evm` and the intent `charge`, paid by an authorization of
 * EIP-3009.
 *
 * No challenge is stored: its id is a MAC over everything that it states, and the nonce binds what a payer signs to it.
 * The payment itself is the same as in x402, with the same key, so that one authorization is one payment whichever
 * protocol brings it.
 *
 * A credential with an invalid or expired challenge may still be a payment that was taken: the ledger is asked first,
 * and a new challenge follows only where the ledger does not know it.
 *
 * @see draft-httpauth-payment-00, draft-evm-charge-00
 */
export function createMpp({ secrets, header, keccak256, clock }: MppParts): Protocol {
  const ids = new ChallengeIds(secrets, header);
  const ownField = header.toLowerCase() === DEFAULT_HEADER ? [] : [header];
  return {
    name: 'mpp',
    setting: 'mpp',
    onCredit: false,
    headers: {
      request: ['Authorization', ...ownField, 'Accept-Payment'],
      response: ['WWW-Authenticate', 'Payment-Receipt'],
      shared: { authorization: withoutPayment, 'www-authenticate': withoutPayment },
    },
    credential: (fields) => findCredential(fields, header.toLowerCase()),
    read(text) {
      const read = readCredential(text);
      switch (read.kind) {
        case 'malformed':
          return { kind: 'malformed', code: 'credential_malformed', detail: read.detail };
        case 'unsupported':
          return { kind: 'malformed', code: 'payment_method_unsupported', detail: read.detail };
        case 'read':
          return { kind: 'submitted', submission: submissionOf(read.credential, ids, keccak256) };
      }
    },
    idField: { name: IDEMPOTENCY_KEY, read: readIdempotencyKey },
    challenge: (subject) => openChallenge(subject, { ids, header, ownField, clock }),
    receipt(receipt, status) {
      const said = carriesReceipt(status) ? mppReceipt(receipt) : undefined;
      return said === undefined ? [] : [['Payment-Receipt', encodeReceipt(said)]];
    },
    mcp: MPP_MCP_FORM,
  };
}

/** Reads every line of the field: of some fields Node's `headers` has only the first line. */
function findCredential({ headers, rawHeaders }: RequestFields, name: string): Credential {
  const value = headers[name];
  if (value === undefined) return { kind: 'none' };
  const lines: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.length === name.length && rawHeaders[at]?.toLowerCase() === name) {
      lines.push(rawHeaders[at + 1] ?? '');
    }
  }
  const [text, ...others] = lines.flatMap(paymentParts);
  if (text === undefined) return { kind: 'none' };
  return others.length > 0 ? { kind: 'repeated' } : { kind: 'one', text };
}

const KIND = { method: METHOD, intent: INTENT };

interface Issuing {
  readonly ids: ChallengeIds;
  readonly header: string;
  readonly ownField: readonly string[];
  readonly clock: () => number;
}

/** A way to pay, as far as no request changes it. */
interface Way {
  readonly request: string;
  readonly lifetimeMs: number;
}

/**
 * The challenges of a route, one for each way to pay, without those that the client excludes. Each 402 has ids of its
 * own, so a second payment of a challenge is a repeated payment.
 */
function openChallenge(subject: ChallengeSubject, issuing: Issuing): Challenge {
  const ways = subject.offers.flatMap((offer): readonly Way[] => {
    const request = chargeRequest(offer);
    return request === undefined ? [] : [{ request, lifetimeMs: offer.maxTimeoutSeconds * 1000 }];
  });
  const price = (resource: AskedResource): JsonObject => ({
    httpStatus: 402,
    challenges: ways.map((way) => messageChallenge(issue(way, subject, resource, issuing))),
  });
  return {
    repeats: ways.length === 0,
    ...(ways.length === 0 ? {} : { price }),
    state: (resource, occasion) => ({
      headers: accepts(occasion.headers?.['accept-payment'], KIND)
        ? ways.flatMap((way) => ['WWW-Authenticate', challengeText(issue(way, subject, resource, issuing))])
        : [],
      body: undefined,
      ...(ways.length === 0 ? {} : { problemType: problemType(occasion) }),
    }),
  };
}

function issue(
  { request, lifetimeMs }: Way,
  { route, description }: ChallengeSubject,
  { url }: AskedResource,
  { ids, ownField, clock }: Issuing,
): ChallengeParameters {
  const opaque = encodeBase64url(canonicalJson({ salt: randomBytes(9).toString('base64url') }));
  const expires = timeText(clock() + lifetimeMs);
  const facts: BoundFacts = {
    realm: realmOf(url),
    method: METHOD,
    intent: INTENT,
    request,
    expires,
    digest: '',
    opaque,
  };
  return [
    ['id', ids.issue(route, facts)],
    ['realm', facts.realm],
    ['method', METHOD],
    ['intent', INTENT],
    ['request', request],
    ...(description === undefined ? [] : [['description', description] as const]),
    ['expires', expires],
    ...ownField.map((field) => ['header', field] as const),
    ['opaque', opaque],
  ];
}

/** The host that clients see, without its port, as servers of MPP call themselves. */
function realmOf(url: string): string {
  return hostName(new URL(url).host);
}

/** RFC 3339 in whole seconds, the end of which the payer signs. @param at Unix milliseconds */
function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

function submissionOf(credential: MppCredential, ids: ChallengeIds, keccak256: Keccak256): Submission {
  const { payload } = credential;
  return {
    payload,
    identifier: UNNAMED,
    namesItsOffer: true,
    match(offers, context) {
      const matched = offers.filter((offer) => asksFor(offer, credential.asked));
      return matched.length === 0
        ? { kind: 'refused', reason: 'invalid_payment_requirements' }
        : { kind: 'matched', offers: matched, lapsed: flawOf(credential, context, ids, keccak256) };
    },
    paying: (offer: Offer) => ({ version: 2, payload: { x402Version: 2, accepted: offer.requirements, payload } }),
  };
}

/** Why a credential buys nothing now; `undefined` where its challenge is ours, good, and what was signed. */
function flawOf(
  { id, bound, signed, source, asked }: MppCredential,
  { resourceUrl, route, now }: MatchContext,
  ids: ChallengeIds,
  keccak256: Keccak256,
): string | undefined {
  if (bound.realm !== realmOf(resourceUrl) || !ids.isOurs(id, route, bound)) return REASONS.challenge;
  const hash = Buffer.from(keccak256(Buffer.from(id + bound.realm, 'utf8'))).toString('hex');
  if (signed.nonce !== `0x${hash}`) return REASONS.binding;
  if (source !== undefined && source.toLowerCase() !== `did:pkh:eip155:${asked.chainId}:${signed.from}`) {
    return REASONS.source;
  }
  // The challenge is ours, so its time is the one that we wrote.
  return Date.parse(bound.expires) / 1000 <= now ? REASONS.expired : undefined;
}
