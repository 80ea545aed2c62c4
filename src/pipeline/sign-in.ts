import { LRUCache } from 'lru-cache';
import type { Address } from '../evm/address.ts';
import type { MessageSigners } from '../evm/personal-message.ts';
import type { SignInNonces } from '../pass/sign-in-nonce.ts';
import type { SignInDeclaration } from '../protocol/challenge.ts';
import { readSignIn, refuseSignIn, type SignInChallenge, signInMessage } from '../protocol/sign-in-with-x.ts';

/** Most nonces of fruitless sign-ins that are remembered. */
const MOST_FRUITLESS = 10_000;

/** The account that signed in; the nonce is valid and not used up yet. */
export interface SignedIn {
  readonly kind: 'signed_in';
  /** A plain EVM account, lower case. */
  readonly account: Address;
  readonly nonce: string;
  /** Unix milliseconds until which the nonce must not be reused. */
  readonly until: number;
}

/** The result of a sign-in; `reason` is one of the specification's. */
export type SignInCheck = SignedIn | { readonly kind: 'refused'; readonly reason: string };

/** The parts of the gate. */
export interface SignInGateDeps {
  /** What a sign-in opens: one made for another purpose is refused. */
  readonly purpose: string;
  /** The same for people, as wallets show it. */
  readonly statement: string;
  /** Path of the URL that a sign-in names. */
  readonly path: string;
  /** CAIP-2 networks that the route is paid on. */
  readonly networks: readonly string[];
  readonly nonces: SignInNonces;
  readonly signers: MessageSigners;
  /** Whether a host, with port, is ours by the configuration: a request's own word proves nothing. */
  readonly isOwnHost: (host: string) => boolean;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/**
 * The sign-in of clients of one route with their account. A challenge needs no memory and no store; a sign-in is bound
 * to our own origin, to its purpose, to a nonce of ours and to five minutes.
 *
 * @see x402 specification, `extensions/sign-in-with-x.md`
 */
export class SignInGate implements SignInDeclaration {
  readonly networks: readonly string[];
  readonly statement: string;
  readonly #deps: SignInGateDeps;
  /** Nonces of valid sign-ins that opened nothing: each repetition would ask the store again. */
  readonly #fruitless = new LRUCache<string, true>({ max: MOST_FRUITLESS });

  constructor(deps: SignInGateDeps) {
    this.#deps = deps;
    this.networks = deps.networks;
    this.statement = deps.statement;
  }

  challenge(resourceUrl: string): SignInChallenge | undefined {
    const now = this.#deps.clock();
    const site = this.#siteOf(resourceUrl);
    // Otherwise another site could ask under its own name, have a visitor sign that, and use what the visitor bought.
    if (!this.#deps.isOwnHost(site.domain)) return undefined;
    const nonce = this.#deps.nonces.issue(this.#purpose(site.domain), now);
    return { ...site, nonce, issuedAt: new Date(now).toISOString() };
  }

  /** Checks everything about a sign-in except whether its nonce was used. Needs neither network nor store. */
  check(header: string, resourceUrl: string): SignInCheck {
    const { nonces, signers, isOwnHost, clock } = this.#deps;
    const now = clock();
    const signIn = readSignIn(header);
    if (signIn === undefined) return refused('invalid_siwx_payload');
    const site = this.#siteOf(resourceUrl);
    if (!isOwnHost(site.domain)) return refused('invalid_siwx_domain_mismatch');
    const reason = refuseSignIn(signIn, { ...site, networks: this.networks }, now);
    if (reason !== undefined) return refused(reason);
    // Checked before the signature, the expensive part: only clients that asked for a nonce cause that cost.
    const issued = nonces.read(signIn.nonce, this.#purpose(site.domain), now);
    if (issued === undefined || this.#fruitless.has(signIn.nonce)) return refused('invalid_siwx_nonce');
    if (signIn.issuedAt !== new Date(issued.issuedAt).toISOString()) return refused('invalid_siwx_issued_at');
    if (signers.signerOf(signInMessage(signIn), signIn.signature) !== signIn.account)
      return refused('invalid_siwx_signature');
    return { kind: 'signed_in', account: signIn.account, nonce: signIn.nonce, until: issued.until };
  }

  /** Notes that the account has nothing to open: this process does not ask the store for this nonce again. */
  cameToNothing({ nonce }: SignedIn): void {
    this.#fruitless.set(nonce, true);
  }

  #siteOf(resourceUrl: string): Pick<SignInChallenge, 'domain' | 'uri'> {
    const { host, origin } = new URL(resourceUrl);
    return { domain: host, uri: origin + this.#deps.path };
  }

  #purpose(domain: string): string {
    return `${this.#deps.purpose}\n${domain}`;
  }
}

function refused(reason: string): SignInCheck {
  return { kind: 'refused', reason };
}
