import { privateKeyToAccount } from 'viem/accounts';
import { openLocalFacilitator } from '../../src/facilitator/local/local-facilitator.ts';
import { clientOf } from '../support/devnet.ts';
import { localSpec } from '../support/local-spec.ts';
import { facilitatorContract } from './facilitator.contract.ts';

facilitatorContract({
  name: 'the local facilitator',
  proves: true,
  sends: true,
  start: async (devnet, key) => {
    const opened: ReturnType<typeof openLocalFacilitator>[] = [];
    const spec = localSpec(devnet, key);
    return {
      open: (clock = Date.now) => {
        const facilitator = openLocalFacilitator(spec, { clock });
        opened.push(facilitator);
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
