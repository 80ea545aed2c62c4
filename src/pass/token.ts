import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Pass, type PassHolder, type PassId, type PassScope, parsePassId } from '../domain/pass.ts';
import { KEY_ID_BYTES, type SigningKey } from './token-keys.ts';

/** The beginning of every access token, by which secret scanners and the `Authorization` header recognise it. */
const TOKEN_PREFIX = 'tpk_';

/** The facts of a pass in a token. They are ours once {@link isSignedWith} found the signature valid. */
export interface AccessToken {
  readonly passId: PassId;
  /** {@link scopeDigest} of the pass's scope. */
  readonly scope: string;
  /** Version of the terms, as in `Pass.version`. */
  readonly version: string;
  readonly holder: PassHolder;
  /** Unix milliseconds at which the token expires; `undefined` when only requests end the pass. */
  readonly expiresAt: number | undefined;
  /** Whether the pass has a number of requests. */
  readonly counted: boolean;
  /** Whether the pass is a balance. */
  readonly isBalance: boolean;
}

/** A token whose signature is not checked yet. */
export interface ReadToken {
  readonly token: AccessToken;
  readonly keyId: string;
  readonly payload: Buffer;
  readonly mac: Buffer;
}

/*
 * `tpk_` base64url(payload) `.` base64url(HMAC-SHA-256 of the payload), both without padding. The payload, in bytes:
 *
 *   1 format, 1 | 6 key id | 16 pass id | 12 scope | 9 version | 6 expiry, ms, 0 for none | 1 quota | holder
 *
 * The quota is 0 for none, 1 for requests, 2 for a balance. The holder is 1 and 20 address bytes for an EVM account,
 * else 2 and `family|account` in ASCII. A token names no algorithm, has no optional part, and one set of facts has one
 * text.
 */
const FORMAT = 1;
const PASS_BYTES = 16;
const SCOPE_BYTES = 12;
const VERSION_BYTES = 9;
const EXPIRY_BYTES = 6;
const HOLDER_AT = 1 + KEY_ID_BYTES + PASS_BYTES + SCOPE_BYTES + VERSION_BYTES + EXPIRY_BYTES + 1;
const EVM_HOLDER = 1;
const OTHER_HOLDER = 2;
const REQUESTS = 1;
const BALANCE = 2;
/** Longest token, in characters, by {@link TOKEN}; `docs/access.md` promises less than 250. */
const MAX_TOKEN = 240;
const TOKEN = /^tpk_([A-Za-z0-9_-]{70,192})\.([A-Za-z0-9_-]{43})$/;
const EVM_ACCOUNT = /^0x[0-9a-f]{40}$/;
const OTHER_ACCOUNT = /^([-a-z0-9]{3,8})\|([!-{}~]{1,80})$/;

/** A scope in a token: 96 bits of its SHA-256, base64url. */
export function scopeDigest(scope: PassScope): string {
  return createHash('sha256')
    .update(`turnpike scope\n${scope}`)
    .digest()
    .subarray(0, SCOPE_BYTES)
    .toString('base64url');
}

/** Writes the token of a pass, signed with `key`. */
export function writeToken(pass: Pass, key: SigningKey): string {
  const holder = writeHolder(pass);
  const payload = Buffer.alloc(HOLDER_AT + holder.length);
  let at = payload.writeUInt8(FORMAT);
  for (const part of [key.id, pass.id, scopeDigest(pass.scope), pass.version]) {
    at += payload.write(part, at, 'base64url');
  }
  at = payload.writeUIntBE(pass.expiresAt ?? 0, at, EXPIRY_BYTES);
  at = payload.writeUInt8(quotaByte(pass), at);
  holder.copy(payload, at);
  return `${TOKEN_PREFIX}${payload.toString('base64url')}.${macOf(payload, key).toString('base64url')}`;
}

/** Reads a token strictly: any other text than {@link writeToken} writes for the same facts is `undefined`. */
export function readToken(text: string): ReadToken | undefined {
  const [, first = '', second = ''] = text.length <= MAX_TOKEN ? (TOKEN.exec(text) ?? []) : [];
  const payload = Buffer.from(first, 'base64url');
  const mac = Buffer.from(second, 'base64url');
  // The last character of base64 has bits that decoding drops: with other ones it would be a second text of the token.
  if (payload.length <= HOLDER_AT || payload.toString('base64url') !== first) return undefined;
  if (mac.toString('base64url') !== second || payload[0] !== FORMAT) return undefined;
  let at = 1;
  const next = (bytes: number): string => {
    at += bytes;
    return payload.toString('base64url', at - bytes, at);
  };
  const keyId = next(KEY_ID_BYTES);
  const passId = parsePassId(next(PASS_BYTES));
  const scope = next(SCOPE_BYTES);
  const version = next(VERSION_BYTES);
  const expiry = payload.readUIntBE(at, EXPIRY_BYTES);
  const quota = payload[at + EXPIRY_BYTES];
  const holder = readHolder(payload.subarray(HOLDER_AT));
  if (passId === undefined || holder === undefined || quota === undefined || quota > BALANCE) return undefined;
  const expiresAt = expiry === 0 ? undefined : expiry;
  const kind = { counted: quota === REQUESTS, isBalance: quota === BALANCE };
  return { token: { passId, scope, version, holder, expiresAt, ...kind }, keyId, payload, mac };
}

function quotaByte({ quota, balance }: Pass): number {
  if (quota === undefined) return 0;
  return balance === undefined ? REQUESTS : BALANCE;
}

/** Whether a token was signed with `key`; takes the same time for every wrong signature. */
export function isSignedWith({ payload, mac }: ReadToken, key: SigningKey): boolean {
  return timingSafeEqual(macOf(payload, key), mac);
}

function macOf(payload: Buffer, key: SigningKey): Buffer {
  return createHmac('sha256', key.tokens).update(payload).digest();
}

function writeHolder({ family, payer }: PassHolder): Buffer {
  if (family === 'eip155' && EVM_ACCOUNT.test(payer)) return Buffer.from(`0${EVM_HOLDER}${payer.slice(2)}`, 'hex');
  const text = `${family}|${payer}`;
  if (!OTHER_ACCOUNT.test(text)) throw new Error('an account that no token can name');
  return Buffer.concat([Buffer.of(OTHER_HOLDER), Buffer.from(text, 'latin1')]);
}

function readHolder(bytes: Buffer): PassHolder | undefined {
  if (bytes[0] === EVM_HOLDER && bytes.length === 21)
    return { family: 'eip155', payer: `0x${bytes.toString('hex', 1)}` };
  if (bytes[0] !== OTHER_HOLDER) return undefined;
  const [, family = '', payer = ''] = OTHER_ACCOUNT.exec(bytes.toString('latin1', 1)) ?? [];
  // An EVM account has its own form, and no second one.
  if (family === '' || (family === 'eip155' && EVM_ACCOUNT.test(payer))) return undefined;
  return { family, payer };
}
