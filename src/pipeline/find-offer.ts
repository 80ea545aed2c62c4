import type { Offer } from '../domain/offer.ts';
import { RESOURCE_MISMATCH, type Submission } from '../protocol/protocol.ts';
import { type Authentication, findScheme } from '../scheme/scheme.ts';
import { earlierOffer } from './earlier-offer.ts';
import type { RoutedRequest } from './exchange.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { OpenPrice, Services } from './runtime.ts';

/** The offer that a submission pays best, and its match. */
interface Candidate {
  readonly kind: 'candidate';
  readonly offer: Offer;
  readonly authentication: Authentication;
  /** Why it buys nothing now, in the words of its protocol; see `Match`. */
  readonly lapsed: string | undefined;
}

/** A submission that pays none of the offers it was compared with. */
interface Unmatched {
  readonly kind: 'unmatched';
  readonly reason: string;
}

/** What offers are found with. */
export interface OfferContext {
  readonly request: RoutedRequest;
  readonly open: OpenPrice;
  readonly services: Services;
}

/** Compares a submission with the offers in force; if it pays none, also with the one that it paid before. */
export async function findAnyOffer(
  submission: Submission,
  context: OfferContext,
): Promise<Candidate | Unmatched | { readonly kind: 'used' } | { readonly kind: 'elsewhere' }> {
  const found = await findOffer(submission, context);
  const reason = whyNotTaken(found);
  if (reason === undefined) return found;
  const { request, services } = context;
  const earlier = await earlierOffer(submission.payload, offersOf(context), fingerprintOf(request), services);
  if (earlier.kind === 'elsewhere' && reason === RESOURCE_MISMATCH) return earlier;
  if (earlier.kind === 'none' || earlier.kind === 'elsewhere') return found;
  if (earlier.kind === 'forgotten') return { kind: 'used' };
  const before = await bestOf(submission, [earlier.offer], context);
  // It buys nothing new: an outcome of before is all that it can have.
  return before.kind === 'candidate' ? { ...before, lapsed: reason } : found;
}

/** Why a submission pays no offer; `undefined` where it pays one, or did before its time was over. */
function whyNotTaken(found: Candidate | Unmatched): string | undefined {
  if (found.kind === 'unmatched') return found.reason;
  const { authentication } = found;
  return authentication.kind === 'refused' && authentication.lapsed === undefined ? authentication.reason : undefined;
}

/**
 * Compares a submission with the current and recent offers of this process; if it matches none, also with offers of
 * other processes.
 */
async function findOffer(submission: Submission, context: OfferContext): Promise<Candidate | Unmatched> {
  const offers = offersOf(context);
  const found = await bestOf(submission, offers, context);
  const fits = found.kind === 'candidate' && (found.authentication.kind !== 'refused' || isLapsed(found));
  // A submission that names an offer and differs from it is refused at once; one that names none may mean an offer of
  // another process.
  if (fits || (submission.namesItsOffer && found.kind === 'candidate')) return found;
  await context.open.lookUpOffers();
  const more = offersOf(context);
  return more.length === offers.length ? found : await bestOf(submission, more, context);
}

function isLapsed({ authentication }: Candidate): boolean {
  return authentication.kind === 'refused' && authentication.lapsed !== undefined;
}

function offersOf({ open, services }: OfferContext): readonly Offer[] {
  return [...open.offers, ...open.recentOffers(services.clock())];
}

/** Authenticates against each offer that the submission can mean, and returns the result of the highest rank. */
async function bestOf(
  submission: Submission,
  offers: readonly Offer[],
  { request, services }: OfferContext,
): Promise<Candidate | Unmatched> {
  const now = services.clock() / 1000;
  const { resourceUrl, route } = request;
  const match = submission.match(offers, { resourceUrl, route: route.name, now, families: services.families });
  if (match.kind === 'refused') return { kind: 'unmatched', reason: match.reason };
  const { lapsed } = match;
  let best: Candidate | undefined;
  for (const offer of match.offers) {
    const authentication = await schemeFor(offer, services).authenticate(submission.payload, offer, now);
    if (best === undefined || rank(authentication) > rank(best.authentication)) {
      best = { kind: 'candidate', offer, authentication, lapsed };
    }
  }
  if (best === undefined) throw new Error('a match without offers');
  return best;
}

function rank(authentication: Authentication): number {
  switch (authentication.kind) {
    case 'malformed':
      return 0;
    case 'refused':
      return authentication.lapsed === undefined ? 1 : 2;
    case 'authentic':
      return authentication.authorization.proved ? 4 : 3;
  }
}

function schemeFor(offer: Offer, services: Services): Services['schemes'][number] {
  const scheme = findScheme(services.schemes, offer.scheme, offer.network);
  if (scheme === undefined)
    throw new Error(`the plan offers ${offer.scheme} on ${offer.network}, which nothing serves`);
  return scheme;
}
