import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { setBalance } from '../../support/devnet.ts';
import type { RateSuite, Side } from '../suite.ts';
import type { Job } from '../systems/lifeline.ts';
import type { Workbench } from '../workbench.ts';

type Settler = 'turnpike' | 'official';

/** How many payments the `local` facilitator settles, beside the official code on the same chain. */
export const settle: RateSuite = {
  kind: 'rates',
  title: 'settlements by the local facilitator',
  unit: 'payments',
  open: (bench) => openContest(bench, 'second', 5),
};

/** How many payments it settles for a million gas. 0.75 of the partner's gas is 1.33 of its payments. */
export const gas: RateSuite = {
  kind: 'rates',
  title: 'settlements for a million gas',
  unit: 'payments',
  open: (bench) => openContest(bench, 'million gas', 1.33),
};

async function openContest(bench: Workbench, per: Extract<Job, { kind: 'settle' }>['per'], target: number) {
  const chain = await bench.devnet();
  const payTo = privateKeyToAddress(generatePrivateKey());
  const side = async (name: string, settler: Settler): Promise<Side> => {
    const key = generatePrivateKey();
    await setBalance(chain, privateKeyToAddress(key), 10n ** 20n);
    const system = await bench.system('settlement', [settler, chain.rpcUrl, key, payTo]);
    return {
      name,
      // What each side settled is on the chain: a payment that is not throws.
      probe: async () => undefined,
      measure: (seconds) => system.measure({ kind: 'settle', per, seconds }),
    };
  };
  return {
    // Blocks and batches take their time: a second more or less of them is no measurement.
    unbroken: true,
    subject: await side('gateway', 'turnpike'),
    partners: [{ ...(await side('official facilitator code', 'official')), target }],
  };
}
