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
