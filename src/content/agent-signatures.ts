import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type InnerList, type Item, isInnerList, parseDictionary, parseItem } from 'structured-headers';
import type { AgentKey, KnownAgent } from '../domain/known-agent.ts';
import { type Component, componentsOf, fieldOf, type SignedRequest, signatureBase } from './signature-base.ts';

const TAG = 'web-bot-auth';
const SIGNATURE_AGENT = 'signature-agent';
/** The components of which a signature has one at least, so that it is for one site. */
const NAMES_SITE: ReadonlySet<string> = new Set(['@authority', '@target-uri']);
/** Longest field that is read, in characters. */
const MAX_FIELD = 4096;
/** Most signatures of agents that are checked in one request. */
const MOST_SIGNATURES = 4;
/** How far an agent's clock may be ahead, in milliseconds. */
const SKEW_MS = 60_000;
/** How old a signature may be, whatever end it names: what the draft recommends as the longest. In milliseconds. */
const MOST_AGE_MS = 24 * 60 * 60_000;

/** The result of an agent's signature. */
export type AgentCheck =
  /** No signature with the tag of Web Bot Auth. */
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'verified'; readonly agent: string }
  /** `why` is for people. */
  | { readonly kind: 'refused'; readonly why: string };

interface ReadyKey extends AgentKey {
  readonly agent: string;
  readonly key: KeyObject;
}

/**
 * Checks the signatures of agents that the operator knows (Web Bot Auth). No key is ever fetched: a request that names
 * the place of its key could send the gateway anywhere.
 *
 * A signature must cover the authority that clients see, or the whole URL, so that one for another site is not valid
 * here, and `Signature-Agent` where that is sent. It is valid until its expiry, a day at most: a copy of it is as good as the
 * request, as the draft allows.
 *
 * @see RFC 9421
 * @see https://datatracker.ietf.org/doc/draft-ietf-webbotauth-httpsig-protocol/
 */
export class AgentSignatures {
  readonly #keys: ReadonlyMap<string, ReadyKey>;
  readonly #clock: () => number;

  /** @param clock Unix milliseconds */
  constructor(agents: readonly KnownAgent[], clock: () => number) {
    this.#clock = clock;
    this.#keys = new Map(
      agents.flatMap(({ origin, keys }) =>
        keys.map((key) => [
          key.id,
          { ...key, agent: origin, key: createPublicKey({ key: { ...key.jwk }, format: 'jwk' }) },
        ]),
      ),
    );
  }

  /** Checks the signature of a request. Never throws, whatever is in its fields. */
  check(request: SignedRequest): AgentCheck {
    const input = fieldOf(request.rawHeaders, 'signature-input');
    if (input === undefined) return { kind: 'unsigned' };
    try {
      return this.#checkAll(request, input);
    } catch {
      return refused('a field of it is not in the form of structured fields');
    }
  }

  /** Any of several signatures is enough; a reason is that of the first one. */
  #checkAll(request: SignedRequest, input: string): AgentCheck {
    const signature = fieldOf(request.rawHeaders, 'signature') ?? '';
    if (Math.max(input.length, signature.length) > MAX_FIELD) return refused('its fields are too long');
    const signatures = parseDictionary(signature);
    let first: AgentCheck | undefined;
    let count = 0;
    for (const [label, member] of parseDictionary(input)) {
      if (!isInnerList(member) || member[1].get('tag') !== TAG) continue;
      count += 1;
      if (count > MOST_SIGNATURES) return refused('there are too many');
      const check = this.#checkOne(request, member, signatures.get(label));
      if (check.kind === 'verified') return check;
      first ??= check;
    }
    return first ?? { kind: 'unsigned' };
  }

  #checkOne(request: SignedRequest, input: InnerList, given: Item | InnerList | undefined): AgentCheck {
    const parameters = input[1];
    const key = this.#keys.get(String(parameters.get('keyid')));
    if (key === undefined) return refused('no agent in the configuration has its key');
    const algorithm = parameters.get('alg');
    if (algorithm !== undefined && algorithm !== key.algorithm)
      return refused('it names another algorithm than its key');
    const untimely = whyUntimely(input, key, this.#clock());
    if (untimely !== undefined) return refused(untimely);
    const components = componentsOf(input);
    if (components === undefined) return refused('it covers something that is not understood');
    const uncovered = whyUncovered(request, components, key.agent);
    if (uncovered !== undefined) return refused(uncovered);
    const base = signatureBase(request, input, components);
    if (base === undefined) return refused('it covers something that the request does not have');
    const bytes = given !== undefined && !isInnerList(given) ? given[0] : undefined;
    const isGood = bytes instanceof ArrayBuffer && isSignedBy(key, base, new Uint8Array(bytes));
    return isGood ? { kind: 'verified', agent: key.agent } : refused('it does not fit the request');
  }
}

function refused(why: string): AgentCheck {
  return { kind: 'refused', why };
}

function whyUntimely([, parameters]: InnerList, { notBefore, notAfter }: AgentKey, now: number): string | undefined {
  const created = msOf(parameters.get('created'));
  const expires = msOf(parameters.get('expires'));
  if (created === undefined || expires === undefined) return 'it does not say from when to when it is good';
  if (created > now + SKEW_MS) return 'it was made in the future';
  if (expires <= now || expires < created) return 'its time is over';
  if (now - created > MOST_AGE_MS) return 'it is more than a day old';
  return (notBefore !== undefined && now < notBefore) || (notAfter !== undefined && now >= notAfter)
    ? 'the time of its key is over or to come'
    : undefined;
}

function msOf(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && Number.isSafeInteger(seconds) ? seconds * 1000 : undefined;
}

function whyUncovered(
  { rawHeaders }: SignedRequest,
  components: readonly Component[],
  agent: string,
): string | undefined {
  if (!components.some(({ name }) => NAMES_SITE.has(name))) return 'it covers neither @authority nor @target-uri';
  const named = fieldOf(rawHeaders, SIGNATURE_AGENT);
  if (named === undefined) return undefined;
  const covered = components.find(({ name }) => name === SIGNATURE_AGENT);
  if (covered === undefined) return 'it does not cover Signature-Agent';
  return originIn(named, covered.key) === agent ? undefined : 'Signature-Agent names another agent than its key';
}

/** The origin of an agent: of a member of the dictionary, or the sole text that older drafts have. */
function originIn(field: string, key: string | undefined): string | undefined {
  const member = key === undefined ? parseItem(field) : parseDictionary(field).get(key);
  const url = member?.[0];
  return typeof url === 'string' && URL.canParse(url) ? new URL(url).origin : undefined;
}

function isSignedBy({ algorithm, key }: ReadyKey, base: string, signature: Uint8Array): boolean {
  const data = Buffer.from(base, 'latin1');
  switch (algorithm) {
    case 'ed25519':
      return verify(null, data, key, signature);
    case 'rsa-pss-sha512':
      return verify('sha512', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 64 }, signature);
  }
}
