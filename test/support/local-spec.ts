import type { Hex } from 'viem';
import type { LocalFacilitatorSpec } from '../../src/domain/facilitator-spec.ts';
import type { Network } from '../../src/domain/network.ts';

/** A chain and the URL of a node of it. */
interface Chain {
  readonly network: Network;
  readonly rpcUrl: string;
}

/** The settings of a `local` facilitator on one chain: one confirmation, fees up to 100 gwei, and 15 seconds to settle. */
export function localSpec(
  { network, rpcUrl }: Chain,
  key: Hex,
  change: Partial<LocalFacilitatorSpec> = {},
): LocalFacilitatorSpec {
  return {
    kind: 'local',
    name: 'local',
    rpc: new Map([[network, rpcUrl]]),
    key,
    maxFeePerGas: 100n * 10n ** 9n,
    eip6492Factories: [],
    confirmations: 1,
    failedGas: { ofPayer: 600_000n, inAll: 6_000_000n },
    settleTimeoutMs: 15_000,
    ...change,
  };
}
