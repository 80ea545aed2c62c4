import type { Hex } from 'viem';
import type { Devnet } from '../support/devnet.ts';
import { startOfficialFacilitator } from '../support/official-facilitator.ts';
import type { ChainTap } from './chain-tap.ts';

/**
 * Who settles: the facilitator inside the gateway; or the official facilitator code on loopback with nothing else in the
 * configuration, as in the README's first one, so that unknown settlements are resolved with the public node of the network.
 */
export type JudgeKind = 'local' | 'remote';

/** A facilitator that a gateway can be configured with; it is never killed. */
export interface Judge {
  /** As `facilitator` takes it, in the flow style of YAML. */
  readonly setting: string;
  /** Environment variables of the gateway. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Opens a facilitator whose transactions pass through the tap. */
export async function openJudge(kind: JudgeKind, devnet: Devnet, tap: ChainTap): Promise<Judge> {
  const { key } = devnet.accounts.settler;
  if (kind === 'local') {
    return { setting: localSetting(tap.url, key), env: {}, close: async () => {} };
  }
  const official = await startOfficialFacilitator({ rpcUrl: tap.url, key });
  const env = { TURNPIKE_PUBLIC_NODES: `base-sepolia=${devnet.rpcUrl}` };
  return { setting: `"${official.url}"`, env, close: () => official.close() };
}

/** The facilitator inside the gateway, as `facilitator` takes it. */
export function localSetting(rpcUrl: string, key: Hex): string {
  return `{ local: { rpc: { base-sepolia: "${rpcUrl}" }, key: "${key}", settleTimeout: 10s } }`;
}
