/** The payment protocols by their words in the configuration, the preferred one first. */
export const PROTOCOL_SETTINGS = ['x402', 'mpp'] as const;

/** A payment protocol, whatever its version. */
export type ProtocolSetting = (typeof PROTOCOL_SETTINGS)[number];

/** How MPP is spoken, where a route does. */
export interface MppTerms {
  /** The field that credentials come in. */
  readonly header: string;
  /** Secrets that challenges are signed with, base64url, newest first; empty for the store's own. */
  readonly keys: readonly string[];
}

/** Not that of proxies, which ends at the first of them. */
const CREDENTIAL_FIELD = /^(?!proxy-)(?:[a-z][a-z0-9]*-)*authorization$/i;

/** Whether a field holds credentials, and nothing else: then it can hold one of MPP. */
export function isCredentialField(name: string): boolean {
  return CREDENTIAL_FIELD.test(name);
}
