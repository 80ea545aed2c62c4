import type { ProtocolSetting, ProtocolTerms } from '../domain/protocol-setting.ts';
import type { Protocol } from './protocol.ts';

/** What protocols are opened with. */
export interface ProtocolParts {
  /** How protocols are spoken under this plan. */
  readonly terms: ProtocolTerms;
  /**
   * The secret that all processes on the store share, base64url of at least 32 bytes.
   *
   * @throws GatewayError `store_unavailable`
   */
  readonly storeSecret: () => Promise<string>;
  /** Unix milliseconds. */
  readonly clock: () => number;
}

/** A protocol that needs more than its code, and is opened with a plan that speaks it. */
export interface ProtocolKind {
  readonly setting: ProtocolSetting;
  open(parts: ProtocolParts): Promise<Protocol>;
}
