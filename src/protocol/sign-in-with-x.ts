import { isJsonObject } from '../domain/payment.ts';
import type { Json, JsonObject } from '../domain/x402.ts';
import { type Address, type Hex, parseAddress, parseHex } from '../evm/address.ts';
import { decodeHeaderJson } from './header-json.ts';

/** The extension's key in `extensions`, and in lower case the name of the header. */
export const SIGN_IN_WITH_X = 'sign-in-with-x';

/** Longest header taken, in characters: a sign-in with a plain account's signature is some 1 KB. */
const MAX_HEADER = 4096;
/** Longest field taken, in characters. */
const MAX_FIELD = 1024;
/** Most entries of `resources` taken. */
const MAX_RESOURCES = 16;
/** No line break and no other control character: it could split one field of the message into two lines. */
const ONE_LINE = /^\P{Cc}*$/u;

const TEXT = { type: 'string' };
/** What a sign-in looks like. */
const SCHEMA: JsonObject = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    domain: TEXT,
    address: TEXT,
    statement: TEXT,
    uri: { type: 'string', format: 'uri' },
    version: TEXT,
    chainId: TEXT,
    type: TEXT,
    nonce: TEXT,
    issuedAt: { type: 'string', format: 'date-time' },
    signature: TEXT,
  },
  required: ['domain', 'address', 'uri', 'version', 'chainId', 'type', 'nonce', 'issuedAt', 'signature'],
};

/** The purpose of a sign-in, as the 402 states it and as the client has to return it. */
export interface SignInChallenge {
  /** Host with port, as the client sees it. */
  readonly domain: string;
  readonly uri: string;
  readonly nonce: string;
  /** RFC 3339. */
  readonly issuedAt: string;
}

/** A sign-in as the client sent it: every field of the right type, nothing proved. */
export interface SignIn extends SignInChallenge {
  readonly statement: string | undefined;
  readonly version: string;
  /** CAIP-2. */
  readonly chainId: string;
  readonly type: string;
  readonly expirationTime: string | undefined;
  readonly notBefore: string | undefined;
  readonly requestId: string | undefined;
  readonly resources: readonly string[];
  /** In the client's own casing, which is signed. */
  readonly address: string;
  readonly account: Address;
  readonly signature: Hex;
  readonly signatureScheme: string | undefined;
}

/**
 * The declaration in a 402 without the members that change with each 402: those follow `info`'s last member.
 *
 * @param networks CAIP-2 networks whose accounts can sign in
 * @param how what a wallet shows above the fields, which is part of the signed message; and whether it says what a sign-in
 *   looks like: clients sign without being told
 * @see x402 specification, `extensions/sign-in-with-x.md`
 */
export function declareSignIn(
  networks: readonly string[],
  how: { readonly statement: string; readonly withSchema: boolean },
): { readonly rest: JsonObject; readonly info: JsonObject } {
  const supportedChains = networks.map((chainId) => ({ chainId, type: 'eip191' }));
  return {
    rest: { supportedChains, ...(how.withSchema ? { schema: SCHEMA } : {}) },
    info: { version: '1', statement: how.statement },
  };
}

/** Reads the header: base64 of JSON, as all of x402's. `undefined` for what is no sign-in of a plain EVM account's form. */
export function readSignIn(header: string): SignIn | undefined {
  if (header.length > MAX_HEADER) return undefined;
  const decoded = decodeHeaderJson(header);
  if (!decoded.ok || !isJsonObject(decoded.value)) return undefined;
  const { value } = decoded;
  const [domain, uri, nonce, issuedAt, version] = ['domain', 'uri', 'nonce', 'issuedAt', 'version'].map((name) =>
    line(value[name]),
  );
  const [chainId, type, address] = [line(value['chainId']), line(value['type']), line(value['address'])];
  const optional = readOptional(value);
  const account = parseAddress(address);
  const signature = parseHex(value['signature']);
  if (domain === undefined || uri === undefined || nonce === undefined || issuedAt === undefined) return undefined;
  if (version === undefined || chainId === undefined || type === undefined || address === undefined) return undefined;
  if (optional === undefined || account === undefined || signature === undefined) return undefined;
  return { domain, uri, nonce, issuedAt, version, chainId, type, address, account, signature, ...optional };
}

type OptionalFields = Pick<
  SignIn,
  'statement' | 'expirationTime' | 'notBefore' | 'requestId' | 'resources' | 'signatureScheme'
>;

function readOptional(value: JsonObject): OptionalFields | undefined {
  const names = ['statement', 'expirationTime', 'notBefore', 'requestId', 'signatureScheme'] as const;
  if (names.some((name) => value[name] !== undefined && line(value[name]) === undefined)) return undefined;
  const [statement, expirationTime, notBefore, requestId, signatureScheme] = names.map((name) => line(value[name]));
  const { resources = [] } = value;
  if (!Array.isArray(resources) || resources.length > MAX_RESOURCES) return undefined;
  const lines = resources.map((entry: Json) => line(entry)).filter((entry) => entry !== undefined);
  if (lines.length < resources.length) return undefined;
  return { statement, expirationTime, notBefore, requestId, signatureScheme, resources: lines };
}

function line(value: Json | undefined): string | undefined {
  return typeof value === 'string' && value.length <= MAX_FIELD && ONE_LINE.test(value) ? value : undefined;
}

/**
 * The specification's reason for rejecting a sign-in. The nonce and the signature are still to be checked.
 *
 * @param expected our own host and URL, and the networks that were declared
 * @param now Unix milliseconds
 */
export function refuseSignIn(
  signIn: SignIn,
  expected: Pick<SignInChallenge, 'domain' | 'uri'> & { readonly networks: readonly string[] },
  now: number,
): string | undefined {
  if (signIn.domain !== expected.domain) return 'invalid_siwx_domain_mismatch';
  if (signIn.uri !== expected.uri) return 'invalid_siwx_uri_mismatch';
  if (signIn.version !== '1' || signIn.type !== 'eip191') return 'invalid_siwx_payload';
  if (!expected.networks.includes(signIn.chainId)) return 'invalid_siwx_unsupported_chain';
  const { signatureScheme = 'eip191' } = signIn;
  // Only the chain can check a signature of a contract's account. Such a buyer pays, and returns with its token.
  if (signatureScheme !== 'eip191' || signIn.signature.length !== 132) return 'invalid_siwx_smart_wallet';
  return refuseTimes(signIn, now);
}

function refuseTimes({ expirationTime, notBefore }: SignIn, now: number): string | undefined {
  if (expirationTime !== undefined && !(momentOf(expirationTime) > now)) return 'invalid_siwx_expired';
  if (notBefore !== undefined && !(momentOf(notBefore) <= now)) return 'invalid_siwx_not_yet_valid';
  return undefined;
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** Unix milliseconds; `NaN` for what is no moment, which compares false with everything. */
function momentOf(text: string): number {
  return RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
}

/**
 * The message that was signed, built by us from the fields alone.
 *
 * @see https://eips.ethereum.org/EIPS/eip-4361
 */
export function signInMessage(signIn: SignIn): string {
  const { statement, expirationTime, notBefore, requestId, resources } = signIn;
  return [
    `${signIn.domain} wants you to sign in with your Ethereum account:`,
    signIn.address,
    '',
    ...(statement === undefined ? [''] : [statement, '']),
    `URI: ${signIn.uri}`,
    `Version: ${signIn.version}`,
    `Chain ID: ${signIn.chainId.slice(signIn.chainId.indexOf(':') + 1)}`,
    `Nonce: ${signIn.nonce}`,
    `Issued At: ${signIn.issuedAt}`,
    ...(expirationTime === undefined ? [] : [`Expiration Time: ${expirationTime}`]),
    ...(notBefore === undefined ? [] : [`Not Before: ${notBefore}`]),
    ...(requestId === undefined ? [] : [`Request ID: ${requestId}`]),
    ...(resources.length === 0 ? [] : ['Resources:', ...resources.map((resource) => `- ${resource}`)]),
  ].join('\n');
}
