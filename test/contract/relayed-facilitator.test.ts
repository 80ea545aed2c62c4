import { privateKeyToAccount } from 'viem/accounts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import { openRelayedFacilitator } from '../../src/facilitator/relayed/relayed-facilitator.ts';
import type { SettlerToWorker, WorkerToSettler } from '../../src/facilitator/relayed/settlement-channel.ts';
import { serveSettlements } from '../../src/facilitator/relayed/settlement-service.ts';
import { clientOf } from '../support/devnet.ts';
import { localSpec } from '../support/local-spec.ts';
import { openLine } from '../support/settlement-line.ts';
import { facilitatorContract } from './facilitator.contract.ts';

facilitatorContract({
  name: 'the local facilitator behind another process',
  proves: true,
  sends: true,
  start: async (devnet, key) => {
    const opened: ReturnType<typeof openLocalFacilitator>[] = [];
    const spec = localSpec(devnet, key);
    return {
      open: (clock = Date.now) => {
        const settler = openLocalFacilitator(spec, { clock });
        const line = openLine<WorkerToSettler, SettlerToWorker>();
        serveSettlements(line.there, new Map([[settler.name, settler]]));
        const inner = openLocalFacilitator(spec, { clock });
        const facilitator = openRelayedFacilitator(inner, line.here, { settleWithinMs: 60_000 });
        opened.push(facilitator, settler);
        return facilitator;
      },
      sent: async () => {
        const { address } = privateKeyToAccount(key);
        return await clientOf(devnet).getTransactionCount({ address, blockTag: 'pending' });
      },
      close: async () => {
        await Promise.all(opened.map((facilitator) => facilitator.close()));
      },
    };
  },
});
