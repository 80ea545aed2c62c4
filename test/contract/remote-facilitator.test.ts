import { openChainWitness } from '../../src/facilitator/remote/chain-witness.ts';
import { openRemoteFacilitator } from '../../src/facilitator/remote/remote-facilitator.ts';
import { families } from '../../src/registry.ts';
import { startOfficialFacilitator } from '../support/official-facilitator.ts';
import { type FacilitatorKind, facilitatorContract } from './facilitator.contract.ts';

facilitatorContract({ name: 'a remote facilitator', proves: false, sends: false, start: startRemote(false) });
facilitatorContract({ name: 'a remote facilitator with a node', proves: true, sends: false, start: startRemote(true) });

/** The official code behind HTTP, called by our client. */
function startRemote(withNode: boolean): FacilitatorKind['start'] {
  return async (devnet, key) => {
    const official = await startOfficialFacilitator({ rpcUrl: devnet.rpcUrl, key });
    const opened: ReturnType<typeof openRemoteFacilitator>[] = [];
    const spec = {
      kind: 'remote',
      name: 'official',
      url: official.url,
      headers: [],
      cdp: undefined,
      verifyTimeoutMs: 15_000,
      settleTimeoutMs: 15_000,
      rpc: withNode ? new Map([[devnet.network, devnet.rpcUrl]]) : new Map(),
    } as const;
    return {
      open: (clock = Date.now) => {
        const facilitator = openRemoteFacilitator(spec, { families, clock, openWitness: openChainWitness });
        opened.push(facilitator);
        return facilitator;
      },
      sent: async () => official.calls.settle,
      close: async () => {
        await Promise.all(opened.map((facilitator) => facilitator.close()));
        await official.close();
      },
    };
  };
}
