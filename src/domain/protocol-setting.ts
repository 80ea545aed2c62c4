/** The payment protocols by their words in the configuration, the preferred one first. */
export const PROTOCOL_SETTINGS = ['x402', 'mpp'] as const;

/** A payment protocol, whatever its version. */
export type ProtocolSetting = (typeof PROTOCOL_SETTINGS)[number];

/** The terms of MPP, for routes that are paid by it. */
export interface MppTerms {
  /** The field that credentials come in. */
  readonly header: string;
  /** Secrets that challenges are signed with, base64url, newest first; empty for the store's own. */
  readonly keys: readonly string[];
}

/** How the protocols are spoken that can be set up. */
export interface ProtocolTerms {
  readonly mpp: MppTerms;
}

/** Excludes `Proxy-Authorization`, which ends at the first proxy. */
const CREDENTIAL_FIELD = /^(?!proxy-)(?:[a-z][a-z0-9]*-)*authorization$/i;

/** Whether a field holds credentials, and nothing else: then it can hold one of MPP. */
export function isCredentialField(name: string): boolean {
  return CREDENTIAL_FIELD.test(name);
}
